package call

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"

	"hotline/ivr/prompts"
	"hotline/media"
	"hotline/store"
)

// sounds finds the clip of a prompt: the center's own recording, else the one
// that hotline brings along; in the language asked for, else in English.
type sounds struct {
	own     atomic.Pointer[map[string]media.ClipID] // "zh/welcome"
	builtin map[string]media.ClipID                 // written once, by loadSounds
	music   media.ClipID
}

// clip is one built-in prompt, ready to be played.
type clip struct {
	name string // "zh/welcome"
	ulaw []byte
	err  error
}

// builtin reads the prompts that hotline brings along, once for all engines of
// the process.
var builtin = sync.OnceValue(func() (all []clip) {
	for _, lang := range prompts.Languages() {
		for _, name := range prompts.Names(lang) {
			if wav, ok := prompts.WAV(lang, name); ok {
				ulaw, err := mulaw(wav)
				all = append(all, clip{lang + "/" + name, ulaw, err})
			}
		}
	}
	return all
})

// loadSounds hands the built-in prompts and the center's own to the media engine.
func (e *Engine) loadSounds() {
	e.sounds.builtin = map[string]media.ClipID{}
	for _, c := range builtin() {
		if c.err != nil {
			e.log.Error("built-in prompt can't be read", "prompt", c.name, "err", c.err)
			continue
		}
		e.media.AddClip(media.ClipID(c.name), c.ulaw)
		e.sounds.builtin[c.name] = media.ClipID(c.name)
	}
	e.sounds.music = "music"
	e.media.AddClip(e.sounds.music, media.HoldMusic())
	e.ownSounds(e.world.Load().center)
}

// ownSounds hands over a center's own recordings. A clip is named by what it
// contains, so a call that plays an old one is not disturbed.
func (e *Engine) ownSounds(c store.Center) {
	own := map[string]media.ClipID{}
	for name, p := range c.Prompts {
		for lang, a := range p {
			if len(a.Audio) == 0 {
				continue
			}
			sum := sha256.Sum256(a.Audio)
			id := media.ClipID("own/" + hex.EncodeToString(sum[:12]))
			e.media.AddClip(id, a.Audio)
			own[lang+"/"+name] = id
		}
	}
	e.sounds.own.Store(&own)
}

// clip finds a prompt.
func (e *Engine) clip(lang, name string) (media.ClipID, bool) {
	for _, l := range []string{lang, "en"} {
		if id, ok := (*e.sounds.own.Load())[l+"/"+name]; ok {
			return id, true
		}
		if id, ok := e.sounds.builtin[l+"/"+name]; ok {
			return id, true
		}
	}
	return "", false
}

// clips finds prompts; a missing one is said in the log and passed over, so
// that the caller hears the rest.
func (e *Engine) clips(lang string, names []string) []media.ClipID {
	out := make([]media.ClipID, 0, len(names))
	for _, n := range names {
		id, ok := e.clip(lang, n)
		if !ok {
			e.metrics.missing.Inc()
			e.log.Warn("prompt is missing; the call goes on without it", "prompt", n, "language", lang)
			continue
		}
		out = append(out, id)
	}
	return out
}

// hasPrompt tells whether a center has a prompt, its own or a built-in one.
func hasPrompt(c store.Center, lang, name string) bool {
	if a, ok := c.Prompts[name][lang]; ok && (len(a.Audio) > 0 || a.File != "") {
		return true
	}
	_, ok := prompts.WAV(lang, name)
	return ok
}

// music is what loops while a caller waits or is held.
func (e *Engine) music(q store.Queue) []media.ClipID {
	if q.Music == "none" {
		return nil
	}
	if q.Music != "" {
		if id, ok := e.clip("en", q.Music); ok {
			return []media.ClipID{id}
		}
	}
	return []media.ClipID{e.sounds.music}
}

// mulaw reads an 8 kHz mono WAV to mu-law samples.
func mulaw(wav []byte) ([]byte, error) {
	pcm, rate, channels, err := media.ReadWAV(bytes.NewReader(wav))
	if err != nil {
		return nil, err
	}
	if rate != 8000 || channels != 1 {
		return nil, fmt.Errorf("call: prompt has %d Hz and %d channels, want 8000 and 1", rate, channels)
	}
	out := make([]byte, len(pcm))
	for i, s := range pcm {
		out[i] = media.EncodeUlaw(s)
	}
	return out, nil
}
