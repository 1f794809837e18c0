package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sealedPrefix begins a sealed text. What follows is base64 of a 12-byte nonce
// and the AES-256-GCM text with its tag.
const sealedPrefix = "sealed:v1:"

const keyBytes = 32

// ErrSealed is wrapped when a sealed text can't be opened: it was changed, or
// sealed with another key.
var ErrSealed = errors.New("store: sealed with another key, or damaged")

// Sealer encrypts the secrets that must be read back (trunk passwords), so that
// a copy of the store alone does not tell them. Safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// NewSealer seals with a key of 32 bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != keyBytes {
		return nil, fmt.Errorf("store: key has %d bytes instead of %d", len(key), keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("store: key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("store: key: %w", err)
	}
	return &Sealer{aead}, nil
}

// LoadOrCreateKey seals with the key in the file at path. If there is none, a
// random key is made: its file has mode 0600, appears complete or not at all, and
// is on disk when this returns. A file of the wrong length is never replaced,
// since secrets may have been sealed with it.
func LoadOrCreateKey(path string) (*Sealer, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("store: create key: %w", err)
		}
		key, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("store: read key: %w", err)
	}
	s, err := NewSealer(key)
	if err != nil {
		return nil, fmt.Errorf("%w (%s); restore it from a backup", err, path)
	}
	return s, nil
}

// createKey links a finished file to path, so that of two processes that start
// at once one wins and the other one reads the winner's key.
func createKey(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails
	_, err = f.Write(key)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Seal encrypts. Sealing a text twice gives two different results.
func (s *Sealer) Seal(plaintext string) string {
	return sealedPrefix + base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(plaintext), nil))
}

// Open gives back what was sealed. A text without the mark of a sealed one is
// an error too.
func (s *Sealer) Open(sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok {
		return "", errors.New("store: not a sealed text")
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", ErrSealed
	}
	plain, err := s.aead.Open(nil, nil, b, nil)
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}

// IsSealed tells a text that Seal has made, or what pretends to be one.
func IsSealed(s string) bool { return strings.HasPrefix(s, sealedPrefix) }

// SealTrunks seals the secrets of the trunks among the objects, before they are
// stored. Others, and secrets that s has sealed already, stay as they are. The
// argument is not changed.
func (s *Sealer) SealTrunks(objects []Object) ([]Object, error) {
	return mapSecrets(objects, func(secret string) (string, error) {
		if _, err := s.Open(secret); err == nil {
			return secret, nil
		}
		return s.Seal(secret), nil
	})
}

// OpenTrunks undoes SealTrunks after objects were read. Secrets that were stored
// in the clear stay as they are.
func (s *Sealer) OpenTrunks(objects []Object) ([]Object, error) {
	return mapSecrets(objects, func(secret string) (string, error) {
		if !strings.HasPrefix(secret, sealedPrefix) {
			return secret, nil
		}
		return s.Open(secret)
	})
}

// mapSecrets copies objects with f applied to each trunk's secret.
func mapSecrets(objects []Object, f func(string) (string, error)) ([]Object, error) {
	out := make([]Object, len(objects))
	copy(out, objects)
	for i, o := range out {
		if o.Kind != KindTrunk {
			continue
		}
		var body map[string]json.RawMessage
		if err := json.Unmarshal(o.Body, &body); err != nil {
			return nil, fmt.Errorf("store: trunk %s: %w", o.ID, err)
		}
		var secret string
		if raw, ok := body["secret"]; ok {
			if err := json.Unmarshal(raw, &secret); err != nil {
				return nil, fmt.Errorf("store: trunk %s: secret: %w", o.ID, err)
			}
		}
		if secret == "" {
			continue
		}
		secret, err := f(secret)
		if err != nil {
			return nil, fmt.Errorf("store: trunk %s: secret: %w", o.ID, err)
		}
		body["secret"], _ = json.Marshal(secret) // a string always can
		if out[i].Body, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("store: trunk %s: %w", o.ID, err)
		}
	}
	return out, nil
}
