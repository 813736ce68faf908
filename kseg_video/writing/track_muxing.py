"""Muxing the source's sound, subtitles, chapters and tags into the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.ffmpeg.ffmpeg_arguments import file_input, video_filter

if TYPE_CHECKING:
    from fractions import Fraction

    from kseg_video.core.media_info import AudioTrack, MediaTracks
    from kseg_video.writing.containers import AudioSupport, Container, SubtitleSupport

# Text subtitle codecs, which ffmpeg converts into each other.
_TEXT_SUBTITLES = frozenset(
    {"subrip", "ass", "ssa", "webvtt", "mov_text", "text", "microdvd", "sami", "subviewer", "ttml"}
)
# Subtitles that began earlier than this before a part are dropped: more finds longer ones, less
# reads less of the file.
_LONGEST_SUBTITLE_SECONDS = 60.0
# Channel layouts whose order ffmpeg's Opus encoder keeps (it reorders the channels of 5.0 and 6.1
# wrongly); others are converted to the nearest.
_OPUS_LAYOUTS = "mono|stereo|3.0|quad|5.1|7.1"


def picture_delay(tracks: MediaTracks, frame_rate: Fraction) -> Fraction:
    """Seconds by which the first frame is delayed, rounded to whole frames for the encoder."""
    return max(round(tracks.delay * frame_rate), 0) / frame_rate


def _shift(tracks: MediaTracks, frame_rate: Fraction) -> float:
    """Seconds by which the tracks are shifted to match that rounding."""
    return float(picture_delay(tracks, frame_rate)) - tracks.delay


def tracks_input(tracks: MediaTracks, frame_rate: Fraction) -> list[str]:
    """Ffmpeg's options that read the tracks as the next input, in sync with the delayed frames.

    If only a part is wanted, another input reads text subtitles from well before it, to include
    those that are already on screen when it starts.
    """
    arguments = _read_from(tracks, 0.0, frame_rate)
    if tracks.start and any(track.codec in _TEXT_SUBTITLES for track in tracks.subtitles):
        early = min(tracks.start, _LONGEST_SUBTITLE_SECONDS)
        arguments += ["-an", *_read_from(tracks, early, frame_rate)]
    return arguments


def _read_from(tracks: MediaTracks, early: float, frame_rate: Fraction) -> list[str]:
    """Options of an input that begins `early` seconds before the wanted part."""
    arguments = ["-fflags", "+discardcorrupt"]  # drops a packet cut off at a truncated file's end
    if tracks.start:
        arguments += ["-ss", f"{tracks.start - early:.6f}"]
    if tracks.duration is not None:
        arguments += ["-t", f"{tracks.duration + early:.6f}"]
    arguments += ["-itsoffset", f"{_shift(tracks, frame_rate) - early:.6f}"]
    return [*arguments, "-vn", *file_input(tracks.path)]


def tracks_output(
    tracks: MediaTracks, container: Container, frame_rate: Fraction
) -> tuple[list[str], list[str]]:
    """Ffmpeg's options that mux the tracks of its second input, and notes for the user.

    Every track that the container supports is kept, copied if the codec is supported, too. Chapters
    are trimmed with the frames.
    """
    end = None if tracks.duration is None else tracks.duration + _shift(tracks, frame_rate)
    arguments = ["-map_metadata", "1", "-map_chapters", "1"]
    if tracks.start:
        arguments += ["-copypriorss", "0"]  # drops packets from before the part
    for number, track in enumerate(tracks.audio):
        arguments += ["-map", f"1:{track.index}"]
        arguments += _audio_codec(number, track, container.audio)
    left_out = []
    kept = 0
    for subtitle in tracks.subtitles:
        encoder = _subtitle_encoder(subtitle.codec, container.subtitles)
        if encoder is None:
            left_out.append(subtitle.codec)
            continue
        is_text = subtitle.codec in _TEXT_SUBTITLES
        source = 2 if tracks.start and is_text else 1
        arguments += ["-map", f"{source}:{subtitle.index}", f"-c:s:{kept}", encoder]
        if is_text and (tracks.start or end is not None):
            arguments += [f"-copypriorss:s:{kept}", "1", f"-bsf:s:{kept}", _cut_to_part(end)]
        kept += 1
    if kept and container.subtitles.fonts:
        arguments += ["-map", "1:t?", "-c:t", "copy"]  # fonts of the subtitles
    if end is not None:
        arguments += ["-t", f"{end:.6f}"]
    notes = []
    if left_out:
        notes.append(
            f"subtitles left out, which {container.muxer} does not take: {', '.join(left_out)}"
        )
    return arguments, notes


def _cut_to_part(end: float | None) -> str:
    """Bitstream filters that drop packets before time 0 and trim the others to 0 and `end`."""
    until = "PTS+DURATION" if end is None else f"min(PTS+DURATION,{end:.6f}/TB)"
    start = "max(PTS,0)"
    times = video_filter("setts", pts=start, dts=start, duration=f"{until}-{start}")
    return ",".join([video_filter("noise", drop="lte(pts+duration,0)"), times])


def _audio_codec(number: int, track: AudioTrack, support: AudioSupport) -> list[str]:
    if track.codec in support.copied:
        return [f"-c:a:{number}", "copy"]
    rate = track.channels * support.kilobits_per_channel
    arguments = [f"-c:a:{number}", support.encoder, f"-b:a:{number}", f"{rate}k"]
    if support.encoder == "libopus":
        arguments += [f"-filter:a:{number}", video_filter("aformat", channel_layouts=_OPUS_LAYOUTS)]
    return arguments


def _subtitle_encoder(codec: str, support: SubtitleSupport) -> str | None:
    if codec in support.copied:
        return "copy"
    return support.encoder if codec in _TEXT_SUBTITLES else None
