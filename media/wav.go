package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// WAV formats read and written here.
const (
	formatPCM        = 1
	formatAlaw       = 6
	formatUlaw       = 7
	formatExtensible = 0xFFFE
)

const (
	liveHeader = 58      // bytes before the samples of a G.711 file of ours
	wavMost    = 1 << 28 // bytes of samples read at most
)

// ErrWAV is wrapped by ReadWAV and Repair for what is no WAV file we can read.
var ErrWAV = errors.New("media: not a readable WAV file")

// wavHeader makes a header for size bytes of samples: RIFF, fmt, for G.711 also
// fact as the format demands, data.
func wavHeader(format, rate, channels int, size int64) []byte {
	return appendHeader(make([]byte, 0, liveHeader), format, rate, channels, size)
}

// appendHeader is wavHeader in the room of b, which is empty.
func appendHeader(b []byte, format, rate, channels int, size int64) []byte {
	bits := 16
	if format != formatPCM {
		bits = 8
	}
	block := channels * bits / 8
	b = append(b, "RIFF\x00\x00\x00\x00WAVEfmt "...)
	if format == formatPCM {
		b = binary.LittleEndian.AppendUint32(b, 16)
	} else {
		b = binary.LittleEndian.AppendUint32(b, 18)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(format))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*block))
	b = binary.LittleEndian.AppendUint16(b, uint16(block))
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	if format != formatPCM {
		b = append(b, 0, 0)
		b = append(b, "fact\x04\x00\x00\x00"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(size/int64(block)))
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	binary.LittleEndian.PutUint32(b[4:], uint32(int64(len(b))-8+size+size&1))
	return b
}

// WriteWAV writes 16 bit samples, channels interleaved.
func WriteWAV(w io.Writer, samples []int16, rate, channels int) error {
	size := 2 * len(samples)
	b := make([]byte, 0, 44+size)
	b = append(b, wavHeader(formatPCM, rate, channels, int64(size))...)
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	_, err := w.Write(b)
	return err
}

// WriteUlawWAV writes mu-law bytes, channels interleaved.
func WriteUlawWAV(w io.Writer, ulaw []byte, rate, channels int) error {
	if _, err := w.Write(wavHeader(formatUlaw, rate, channels, int64(len(ulaw)))); err != nil {
		return err
	}
	if len(ulaw)%2 == 1 {
		ulaw = append(ulaw[:len(ulaw):len(ulaw)], 0)
	}
	_, err := w.Write(ulaw)
	return err
}

// wavFormat is the fmt chunk.
type wavFormat struct{ format, rate, channels, bits int }

func parseFormat(b []byte) (wavFormat, error) {
	if len(b) < 16 {
		return wavFormat{}, fmt.Errorf("%w: fmt chunk of %d bytes", ErrWAV, len(b))
	}
	f := wavFormat{
		format:   int(binary.LittleEndian.Uint16(b)),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.format == formatExtensible && len(b) >= 26 {
		f.format = int(binary.LittleEndian.Uint16(b[24:])) // first bytes of the GUID
	}
	switch {
	case f.channels < 1 || f.channels > 8, f.rate < 1000 || f.rate > 384000:
		return f, fmt.Errorf("%w: %d channels at %d Hz", ErrWAV, f.channels, f.rate)
	case f.format == formatPCM && (f.bits == 8 || f.bits == 16),
		(f.format == formatUlaw || f.format == formatAlaw) && f.bits == 8:
		return f, nil
	}
	return f, fmt.Errorf("%w: format %d with %d bits; PCM of 8 or 16 bits, A-law and mu-law are known", ErrWAV, f.format, f.bits)
}

// ReadWAV reads PCM (8 and 16 bit), A-law and mu-law files; samples of several
// channels are interleaved. A data chunk cut short, or of unknown length as
// streamed files have it, is read as far as it goes.
func ReadWAV(r io.Reader) (samples []int16, rate, channels int, err error) {
	var riff [12]byte
	if _, err := io.ReadFull(r, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return nil, 0, 0, fmt.Errorf("%w: no RIFF header", ErrWAV)
	}
	var f wavFormat
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, 0, 0, fmt.Errorf("%w: no data chunk", ErrWAV)
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "fmt ":
			b, err := io.ReadAll(io.LimitReader(r, min(size, 256)))
			if err != nil {
				return nil, 0, 0, fmt.Errorf("%w: %w", ErrWAV, err)
			}
			if f, err = parseFormat(b); err != nil {
				return nil, 0, 0, err
			}
			size -= int64(len(b))
		case "data":
			if f.channels == 0 {
				return nil, 0, 0, fmt.Errorf("%w: data before fmt", ErrWAV)
			}
			b, err := io.ReadAll(io.LimitReader(r, min(size, wavMost)))
			if err != nil {
				return nil, 0, 0, fmt.Errorf("%w: %w", ErrWAV, err)
			}
			return f.decode(b), f.rate, f.channels, nil
		}
		if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
			return nil, 0, 0, fmt.Errorf("%w: chunk cut short", ErrWAV)
		}
	}
}

func (f wavFormat) decode(b []byte) []int16 {
	block := f.channels * f.bits / 8
	b = b[:len(b)/block*block]
	out := make([]int16, len(b)*8/f.bits)
	switch {
	case f.format == formatUlaw:
		return PCMU.Decode(out, b)
	case f.format == formatAlaw:
		return PCMA.Decode(out, b)
	case f.bits == 8:
		for i, v := range b {
			out[i] = int16(int(v)-128) << 8
		}
	default:
		for i := range out {
			out[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
	return out
}

// Repair makes the header of a recording torn by a crash say what the file
// really holds, and returns how long that plays. A file in order is left alone.
func Repair(path string) (time.Duration, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("media: repair: %w", err)
	}
	defer file.Close()
	head := make([]byte, 4096)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("media: repair: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return 0, fmt.Errorf("media: repair: %w", err)
	}
	fixed, length, err := repairHeader(head[:n], info.Size())
	if err != nil {
		return 0, fmt.Errorf("media: repair %s: %w", path, err)
	}
	if string(fixed) == string(head[:len(fixed)]) {
		return length, nil
	}
	if _, err := file.WriteAt(fixed, 0); err != nil {
		return 0, fmt.Errorf("media: repair: %w", err)
	}
	if err := file.Sync(); err != nil {
		return 0, fmt.Errorf("media: repair: %w", err)
	}
	return length, nil
}

// repairHeader gives the head of the file up to the samples, with the sizes of
// RIFF, fact and data set for a file of size bytes.
func repairHeader(head []byte, size int64) ([]byte, time.Duration, error) {
	if len(head) < 12 || string(head[:4]) != "RIFF" || string(head[8:12]) != "WAVE" {
		return nil, 0, fmt.Errorf("%w: no RIFF header", ErrWAV)
	}
	fixed := append([]byte(nil), head...)
	var f wavFormat
	fact := -1
	for at := 12; at+8 <= len(fixed); {
		length := int64(binary.LittleEndian.Uint32(fixed[at+4:]))
		body := at + 8
		switch string(fixed[at : at+4]) {
		case "fmt ":
			var err error
			if f, err = parseFormat(fixed[body:min(int64(len(fixed)), int64(body)+length)]); err != nil {
				return nil, 0, err
			}
		case "fact":
			if body+4 <= len(fixed) {
				fact = body
			}
		case "data":
			if f.channels == 0 {
				return nil, 0, fmt.Errorf("%w: data before fmt", ErrWAV)
			}
			block := int64(f.channels * f.bits / 8)
			have := (size - int64(body)) / block * block
			if length <= have && length > 0 && size-int64(body)-length <= 1 {
				have = length // whole; at most a padding byte follows
			}
			binary.LittleEndian.PutUint32(fixed[at+4:], uint32(have))
			binary.LittleEndian.PutUint32(fixed[4:], uint32(int64(body)-8+have+have&1))
			if fact >= 0 {
				binary.LittleEndian.PutUint32(fixed[fact:], uint32(have/block))
			}
			return fixed[:body], time.Duration(have/block) * time.Second / time.Duration(f.rate), nil
		}
		next := int64(body) + length + length&1
		if next > int64(len(fixed)) {
			break
		}
		at = int(next)
	}
	return nil, 0, fmt.Errorf("%w: no data chunk", ErrWAV)
}
