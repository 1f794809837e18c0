package call

import (
	"testing"

	"hotline/ivr/prompts"
)

// Every prompt that the engine itself plays exists in every language.
func TestEnginesOwnPromptsExistInEveryLanguage(t *testing.T) {
	for _, name := range []string{"beep", "press-1-to-accept", "please-hold", "nobody-available", "call-back-later",
		"goodbye", "ringing-failed", "number-not-in-service", "error", "agent-ready", "agent-not-ready", "agent-logged-out"} {
		for _, lang := range prompts.Languages() {
			wav, ok := prompts.WAV(lang, name)
			if !ok {
				t.Errorf("prompt %s is missing in %s", name, lang)
				continue
			}
			if s, err := mulaw(wav); err != nil || len(s) < 800 {
				t.Errorf("prompt %s in %s: %d samples, %v", name, lang, len(s), err)
			}
		}
	}
}
