package sim

import (
	"fmt"
	"math"
	"time"
)

// draw is 64 random bits that depend on the seed, the call and what is asked alone.
func draw(seed, call, what uint64) uint64 {
	return mix(mix(seed+0x9e3779b97f4a7c15*what) + call)
}

// mix is the finisher of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit is a number in the open interval 0..1.
func unit(bits uint64) float64 { return (float64(bits>>11) + 0.5) / (1 << 53) }

// normal is a standard normal number (Box and Muller) of two draws.
func normal(a, b uint64) float64 {
	return math.Sqrt(-2*math.Log(unit(a))) * math.Cos(2*math.Pi*unit(b))
}

// Shape is how a time is spread around its mean.
type Shape uint8

// The shapes of times. Exponential is the zero value.
const (
	Exponential Shape = iota
	Fixed             // always the mean
	LogNormal         // with the standard deviation Spread * mean
)

var shapeNames = [...]string{"exponential", "fixed", "lognormal"}

// String is the shape's name.
func (s Shape) String() string {
	if int(s) < len(shapeNames) {
		return shapeNames[s]
	}
	return fmt.Sprint("shape ", uint8(s))
}

// ParseShape reads a shape's name.
func ParseShape(s string) (Shape, error) {
	for i, name := range shapeNames {
		if s == name {
			return Shape(i), nil
		}
	}
	return 0, fmt.Errorf("sim: unknown shape %q: exponential, fixed or lognormal", s)
}

// Dist is a random time.
type Dist struct {
	Mean   time.Duration
	Shape  Shape
	Spread float64 // of LogNormal: standard deviation over mean; 0 means 1
}

// longest keeps random times within what a core can add.
const longest = 10000 * time.Hour

// sample is the time that the draws a and b stand for.
func (d Dist) sample(a, b uint64) time.Duration {
	x := float64(d.Mean)
	switch d.Shape {
	case Exponential:
		x *= -math.Log(unit(a))
	case LogNormal:
		cv := d.Spread
		if cv == 0 {
			cv = 1
		}
		s2 := math.Log1p(cv * cv)
		x *= math.Exp(math.Sqrt(s2)*normal(a, b) - s2/2)
	}
	return time.Duration(min(x, float64(longest)))
}

// What is drawn for a call.
const (
	drawGap uint64 = iota + 1
	drawPatience
	drawPatience2
	drawTalk
	drawTalk2
	drawStanding
	drawCustomer
	drawLenient
	drawLenient2
	drawRates
	drawNoise
	drawNoise2
	drawTransfer
	drawChooses
	drawShown // and how many were dropped above it
	drawControl
	drawPickUp
	drawPickUp2
	drawOffer // and the number of the offer added
)

// drawBack is far above the offers of a call.
const drawBack uint64 = 1 << 20
