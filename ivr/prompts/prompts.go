// Package prompts holds the sentences of the engine in English and Mandarin,
// as text and as sound: 8 kHz mono mu-law WAV, embedded in the binary. Every
// prompt exists in every language. Words to be joined (numbers, units, "agent")
// are trimmed close; sentences end with a quarter second of silence.
//
// The texts in en.txt and zh.txt are the source; after a change run go
// generate, which needs flite, espeak-ng and sox, and commit the sounds too.
package prompts

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:generate sh render.sh

//go:embed en.txt zh.txt en/*.wav zh/*.wav
var files embed.FS

// languages lists what is embedded.
var languages = []string{"en", "zh"}

// texts maps language and prompt name to what the prompt says.
var texts = func() map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, lang := range languages {
		b, err := files.ReadFile(lang + ".txt")
		if err != nil {
			panic(fmt.Sprintf("prompts: embedded text: %v", err)) // a broken build
		}
		out[lang] = parse(string(b))
	}
	return out
}()

// parse reads lines of name, spoken text and written text, parted by tabs. The
// written text is kept; without one, the voice reads what is written.
func parse(catalogue string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(catalogue) {
		line = strings.TrimRight(line, "\n")
		name, text, ok := strings.Cut(line, "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if _, written, ok := strings.Cut(text, "\t"); ok {
			text = written
		}
		out[name] = text
	}
	return out
}

// Languages lists the languages that have prompts.
func Languages() []string { return slices.Clone(languages) }

// Names lists the prompts of a language, sorted; none if it is not embedded.
func Names(lang string) []string { return slices.Sorted(maps.Keys(texts[lang])) }

// Text is what a prompt says, in the language's own script; "" if there is no
// such prompt.
func Text(lang, name string) string { return texts[lang][name] }

// WAV is the sound of a prompt as a whole WAV file, a copy.
func WAV(lang, name string) ([]byte, bool) {
	if _, ok := texts[lang][name]; !ok {
		return nil, false
	}
	b, err := files.ReadFile(lang + "/" + name + ".wav")
	return b, err == nil
}
