package ivr

import "time"

const (
	English  = "en"
	Mandarin = "zh"
)

func Currencies() []string                              { return nil }
func Number(lang string, n int64) []string              { return nil }
func Digits(lang, s string) []string                    { return nil }
func Key(lang, key string) []string                     { return nil }
func Money(lang, currency string, cents int64) []string { return nil }
func Clock(lang string, t time.Time) []string           { return nil }
func Duration(lang string, d time.Duration) []string    { return nil }
func Position(lang string, n int) []string              { return nil }
func Wait(lang string, d time.Duration) []string        { return nil }
func AtYourService(lang, agent string) []string         { return nil }
