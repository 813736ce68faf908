"""Muxing the source's sound, subtitles, chapters and tags into the output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError
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
# Muxers that write tags of any name only if told to, and then in another place than usual ones.
_WITH_KEYS = {"mp4", "mov"}
# Tags that ffmpeg makes of the file's head, and those by which its Matroska muxer marks pictures,
# whatever they are: as two side by side, or as transparent.
_NOT_KEPT = ("major_brand", "minor_version", "compatible_brands", "stereo_mode", "alpha_mode")
# Layouts with channels that ffmpeg leaves out when it brings them to another, and their mix.
_HEIGHTS = re.compile(r"\d+\.\d+\.\d.*|22\.2|cube|hexadecagonal")
_FOLDED = "|".join(
    [
        "7.1",
        *(
            f"F{side}=F{side}+0.7*F{side}C+0.7*TF{side}+0.7*BF{side}+0.5*TC"
            f"|B{side}=B{side}+0.7*TB{side}+0.5*BC+0.5*TBC"
            f"|S{side}=S{side}+0.7*TS{side}+0.7*W{side}"
            for side in "LR"
        ),
        "FC=FC+0.7*TFC+0.7*BFC|LFE=LFE",
    ]
)
_AMBISONIC = re.compile(r"ambisonic (\d)(\+stereo)?")
# Channels that have no place of their own: unknown, repeated, or made for headphones.
_PLACES = {"FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR"}
_WITHOUT_PLACES = re.compile(r"\d+ channels(?: \((.*)\))?|binaural|downmix")
_BY_COUNT = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 6: "5.1", 8: "7.1"}
_MOST_CHANNELS = max(_BY_COUNT)


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

    Raises
    ------
    SinkError
        If there is sound, but none that can be decoded.
    """
    end = None if tracks.duration is None else tracks.duration + _shift(tracks, frame_rate)
    arguments = ["-map_metadata", "1", "-map_chapters", "1"]
    tags = dict.fromkeys(_NOT_KEPT, "") | {"timecode": tracks.timecode or ""}  # empty removes it
    arguments += [part for name in tags for part in ("-metadata", f"{name}={tags[name]}")]
    if tracks.date:
        arguments += ["-metadata", f"creation_time={tracks.date}"]
    if tracks.has_keys and container.muxer in _WITH_KEYS:
        arguments += ["-movflags", "+use_metadata_tags"]
    if tracks.start:
        arguments += ["-copypriorss", "0"]  # drops packets from before the part
    sound, notes = _sound(tracks, container)
    arguments += sound
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
    if tracks.loses_timecode:
        notes.append("timecode left out, which does not fit the frame rate")
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


def _sound(tracks: MediaTracks, container: Container) -> tuple[list[str], list[str]]:
    """Options that mux the sound, and notes on what is left out or encoded anew."""
    support = container.audio
    arguments: list[str] = []
    lost, changed = [], []
    kept = 0
    for number, track in enumerate(tracks.audio, 1):
        if not track.is_decodable:
            lost.append(f"{number} ({track.codec})")
            continue
        arguments += ["-map", f"1:{track.index}"]
        if _is_copied(track, support):
            arguments += [f"-c:a:{kept}", "copy"]
        else:
            encoding, is_mixed = _encoding(kept, track, support)
            arguments += encoding
            layout = ", brought to the nearest channel layout" if is_mixed else ""
            changed.append(f"{number} ({track.codec}, {track.sample_rate} Hz{layout})")
        kept += 1
    if lost and not kept:
        raise SinkError(
            f"{tracks.path} has sound that ffmpeg cannot decode: track {', '.join(lost)}; "
            "leave it out with --no-audio"
        )
    notes = []
    if lost:
        notes.append(f"sound left out, which ffmpeg cannot decode: track {', '.join(lost)}")
    if changed:
        notes.append(
            f"sound encoded anew, which {container.muxer} does not take: track {', '.join(changed)}"
        )
    return arguments, notes


def _is_copied(track: AudioTrack, support: AudioSupport) -> bool:
    lowest = support.lowest_rates.get(track.codec, 0)
    return track.codec in support.copied and track.sample_rate >= lowest


def _encoding(number: int, track: AudioTrack, support: AudioSupport) -> tuple[list[str], bool]:
    """Options that encode a track, and whether they bring it to another channel layout."""
    if (same := f"{track.codec.removesuffix('be')}le") in support.copied:  # only in another order
        return [f"-c:a:{number}", same], False
    rate = min(track.channels, _MOST_CHANNELS) * support.kilobits_per_channel
    arguments = [f"-c:a:{number}", support.encoder, f"-b:a:{number}", f"{rate}k"]
    filters = ",".join(_to_layout(track, support))
    is_mixed = track.layout not in support.layouts.split("|")
    return [*arguments, f"-filter:a:{number}", filters], is_mixed


def _to_layout(track: AudioTrack, support: AudioSupport) -> list[str]:
    """Filters that bring a track to the nearest channel layout that the encoder takes."""
    if ambisonic := _AMBISONIC.fullmatch(track.layout):
        # Two cardioids that look left and right, and the stereo sound beside them.
        first = (int(ambisonic[1]) + 1) ** 2
        left, right = (f"+c{first}", f"+c{first + 1}") if ambisonic[2] else ("", "")
        mix = f"stereo|FL=0.5*c0+0.5*c1{left}|FR=0.5*c0-0.5*c1{right}"
    elif _HEIGHTS.fullmatch(track.layout):
        mix = _FOLDED
    elif (found := _WITHOUT_PLACES.fullmatch(track.layout)) and not _have_places(found[1]):
        mix = _by_number(track.channels)
    else:  # needed even for a layout that it takes: a decoder may turn out to give none
        return [video_filter("aformat", channel_layouts=support.layouts)]
    return [video_filter("aformat", sample_fmts="fltp"), video_filter("pan", mix)]


def _have_places(names: str | None) -> bool:
    places = (names or "").split("+")
    return len(set(places)) == len(places) and _PLACES.issuperset(places)


def _by_number(channels: int) -> str:
    """Mix that keeps the order of the first channels and adds the others to the front."""
    count = min(number for number in _BY_COUNT if number >= min(channels, _MOST_CHANNELS))
    inputs = [[f"c{number}"] for number in range(min(count, channels))]
    for number in range(count, channels):
        inputs[number % 2].append(f"0.5*c{number}")
    return "|".join(
        [_BY_COUNT[count], *(f"c{number}={'+'.join(mix)}" for number, mix in enumerate(inputs))]
    )


def _subtitle_encoder(codec: str, support: SubtitleSupport) -> str | None:
    if codec in support.copied:
        return "copy"
    return support.encoder if codec in _TEXT_SUBTITLES else None
