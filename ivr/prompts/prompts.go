// Package prompts holds the sentences of the engine in English and Mandarin,
// as text and as sound: 8 kHz mono mu-law WAV, embedded in the binary.
package prompts

// Languages lists the languages that have prompts.
func Languages() []string { return []string{"en", "zh"} }

// Names lists the prompts of a language, sorted.
func Names(lang string) []string { return nil }

// Text is what a prompt says, in its own script; "" if there is none.
func Text(lang, name string) string { return "" }

// WAV is the sound of a prompt, a whole WAV file; the caller must not change it.
func WAV(lang, name string) ([]byte, bool) { return nil, false }
