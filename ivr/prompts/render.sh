#!/bin/sh
# render.sh makes en/*.wav and zh/*.wav from en.txt and zh.txt: 8 kHz mono
# mu-law. English is spoken by flite's voice slt, Mandarin by espeak-ng from
# pinyin. The same voices and sox give the same bytes: sox runs without dither
# (-D) and with a fixed random seed (-R). Called by go generate.
#
# usage: render.sh [name...]      (no names: all, and files without text go)
# needs: flite espeak-ng sox
set -eu
export LC_ALL=C
cd "$(dirname "$0")"
for tool in flite espeak-ng sox; do
	command -v "$tool" >/dev/null || { echo "render.sh: $tool is not installed" >&2; exit 1; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tab=$(printf '\t')

# finish SOUND FILE TAIL: the telephone band, silence trimmed at both ends,
# peak at -6 dB, edges faded so that joined prompts don't click, TAIL s of pause.
# The input is halved first, so that the filters don't clip; $even, if set, is a
# compressor for a voice whose peaks stand far out.
finish() {
	sox -R -D -v 0.5 "$1" -r 8000 -c 1 -b 16 "$tmp/band.wav" rate -h highpass 200 lowpass 3600 norm -6 $even
	sox -R -D "$tmp/band.wav" -e u-law "$2" \
		silence 1 0.01 0.1% fade t 0.005 reverse silence 1 0.01 0.1% fade t 0.01 reverse \
		norm -6 pad 0.02 "$3"
}

# render LANGUAGE NAME TEXT
render() {
	tail=0.05 # a word to be joined
	case $3 in
	*[.?!]) tail=0.25 ;; # a sentence
	esac
	even=
	case $1:$3 in
	*:@tone*)
		set -- "$1" "$2" ${3#@tone}
		sox -R -D -n -r 8000 -c 1 -e u-law "$1/$2.wav" synth "$4" sine "$3" norm -6 fade t 0.005 "$4" 0.01 pad 0.02 0.1
		return
		;;
	*:@en*) flite -voice slt -t "${3#@en }" -o "$tmp/voice.wav" ;;
	en:*) flite -voice slt -t "$3" -o "$tmp/voice.wav" ;;
	zh:*)
		even="compand 0.001,0.05 6:-60,-60,-30,-16,0,-10 0 -60 0.003"
		espeak-ng -v cmn-latn-pinyin -s 160 -w "$tmp/voice.wav" "$3"
		;;
	esac
	finish "$tmp/voice.wav" "$1/$2.wav" "$tail"
}

wanted=" $* "
for lang in en zh; do
	mkdir -p $lang
	while IFS=$tab read -r name spoken written; do
		case $name in '' | \#*) continue ;; esac
		case $wanted in '  ' | *" $name "*) render $lang "$name" "$spoken" </dev/null ;; esac
	done <$lang.txt
	for file in $lang/*.wav; do
		name=$(basename "$file" .wav)
		grep -q "^$name$tab" $lang.txt || rm "$file"
	done
done
# What the sounds were made from; a test tells when that has changed since.
case $wanted in '  ') sha256sum en.txt zh.txt render.sh >rendered.sha256 ;; esac
