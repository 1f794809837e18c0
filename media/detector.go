package media

// detector finds keys in audio; see detector.audio.
type detector struct {
	state int
}

func (d *detector) audio(c Codec, payload []byte) (rune, bool) { return 0, false }
