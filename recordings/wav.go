package recordings

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

const maxChunks = 32 // before the audio; real files have 2 to 4

// wavDuration reads a WAV header: bytes of audio by bytes per second. size is
// that of the file, which bounds what the header claims.
func wavDuration(r io.Reader, size int64) (time.Duration, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return 0, fmt.Errorf("%w: no WAV header", ErrDamaged)
	}
	at, rate := int64(len(head)), uint32(0)
	for range maxChunks {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return 0, fmt.Errorf("%w: no audio chunk", ErrDamaged)
		}
		at += int64(len(chunk))
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "data":
			if rate == 0 {
				return 0, fmt.Errorf("%w: audio before its format", ErrDamaged)
			}
			length = min(length, size-at)
			return time.Duration(float64(length) / float64(rate) * float64(time.Second)), nil
		case "fmt ":
			var f [16]byte
			if _, err := io.ReadFull(r, f[:]); err != nil || length < int64(len(f)) {
				return 0, fmt.Errorf("%w: short format", ErrDamaged)
			}
			rate = binary.LittleEndian.Uint32(f[8:])
			at += int64(len(f))
			length -= int64(len(f))
		}
		length += length & 1 // chunks are padded to even lengths
		if n, err := io.CopyN(io.Discard, r, length); err != nil {
			return 0, fmt.Errorf("%w: cut after %d bytes", ErrDamaged, at+n)
		}
		at += length
	}
	return 0, fmt.Errorf("%w: no audio in %d chunks", ErrDamaged, maxChunks)
}
