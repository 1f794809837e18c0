package store

import (
	"strings"
	"testing"
)

func TestAPINIsKnownByItsHashAndNothingElseIs(t *testing.T) {
	h := HashPIN("2468")
	if strings.Contains(h, "2468") || h == HashPIN("2468") || !IsHashedPIN(h) {
		t.Errorf("got %s, want a hash with a salt of its own", h)
	}
	p, ok := ParsePIN(h)
	if !ok || p.Digits != 4 || !p.Matches("2468") {
		t.Errorf("the hash of 2468: %+v, %v, does not match it", p, ok)
	}
	for _, typed := range []string{"", "2469", "246", "24680", h} {
		if p.Matches(typed) {
			t.Errorf("%q matches the hash of 2468", typed)
		}
	}
	if plain, ok := ParsePIN("2468"); !ok || plain.Digits != 4 || !plain.Matches("2468") || plain.Matches("2469") {
		t.Errorf("a PIN in the clear: got %+v, %v", plain, ok)
	}
	if none, ok := ParsePIN(""); !ok || none.Matches("") {
		t.Error("the empty PIN matches something")
	}
}

func FuzzParsePIN(f *testing.F) {
	for _, s := range []string{HashPIN("1"), "pin:v1:", "pin:v1:4:1:AAAAAAAAAAAAAAA:", "pin:v1:4:99999999999999999999:AA:AA", "1234", "pin:v1:-1:1::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := ParsePIN(s); ok && IsHashedPIN(s) && (p.rounds > mostPINRounds || p.Digits < 1) {
			t.Errorf("%q is read as %+v", s, p)
		}
	})
}

func BenchmarkPIN(b *testing.B) {
	p, _ := ParsePIN(HashPIN("2468"))
	for b.Loop() {
		p.Matches("2467")
	}
}
