#!/usr/bin/env bash
# Draws the pictures of README and docs from the sample clip. Needs xvfb, openbox and imagemagick.
set -euo pipefail
cd "$(dirname "$0")/.."
clip=samples/lake.mp4 images=docs/images
moment=(--start 2.2 --max-frames 1)
small=(--width 320)

make() { kseg-video convert "$clip" -k 6 -yq "$@"; }

make --start 0.5 --end 3.5 --view side-by-side --width 300 --fps 8 -o "$images/lake-sides.gif"
make --start 1 --end 4 "${small[@]}" --fps 12 -o "$images/lake.gif"
make "${moment[@]}" --view side-by-side --disable blue -o "$images/lake-views.jpg"
make "${moment[@]}" "${small[@]}" -o "$images/posterize.jpg"
make "${moment[@]}" "${small[@]}" --view masked --only blue --background gray -o "$images/only-blue.jpg"
make "${moment[@]}" "${small[@]}" --view masked --disable blue --background transparent \
  -o "$images/transparent.png"
make "${moment[@]}" --pick-off 480,430 --pick-off 820,340 --background transparent \
  -o "$images/boat-transparent.png"
make "${moment[@]}" --view masked --disable wheat,sandybrown --background midnightblue --feather 2 \
  --despeckle 100 -o "$images/sky-replaced.jpg"
make "${moment[@]}" --view masked --pick 480,430 --pick 820,340 --background gray \
  -o "$images/lake-only.jpg"
kseg-video measure "$clip" -k 6 -yq -o "$(mktemp -u).csv" --stats-plot "$images/lake-stats.png"
kseg-video preview "$clip" -k 6 -yq -o "$images/lake-sheet.jpg"

Xvfb :97 -screen 0 1280x720x24 2>/dev/null &
trap 'kill $(jobs -p)' EXIT
sleep 1
export DISPLAY=:97
openbox &
kseg-video live "$clip" --loop -k 6 &
sleep 8
import -window root png:- | convert - -trim +repage -resize 640x "$images/live.jpg"
