package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// picture is a chart as SVG: a frame with axes and what is drawn in it.
type picture struct {
	b             strings.Builder
	width, height float64
	x, y          axis
}

// axis maps values to pixels.
type axis struct {
	from, to float64 // values
	low, top float64 // pixels
	name     string
	format   string // of ticks
	step     float64
}

func (a axis) at(v float64) float64 { return a.low + (v-a.from)/(a.to-a.from)*(a.top-a.low) }

// colours of series, told apart by the colour-blind too (Okabe and Ito).
var colours = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"}

// Margins of pictures in pixels.
const (
	marginLeft   = 70.0
	marginRight  = 20.0
	marginTop    = 48.0
	marginBottom = 52.0
)

// newPicture draws title, frame, grid and ticks. An axis without step has none.
func newPicture(title string, width, height float64, x, y axis) *picture {
	p := &picture{width: width, height: height, x: x, y: y}
	p.x.low, p.x.top = marginLeft, width-marginRight
	p.y.low, p.y.top = height-marginBottom, marginTop
	fmt.Fprintf(&p.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" font-family="sans-serif" font-size="13">`+"\n", width, height, width, height)
	fmt.Fprintf(&p.b, `<rect width="%g" height="%g" fill="#fff"/>`+"\n", width, height)
	p.text(width/2, 24, "middle", "#222", `font-size="16" font-weight="bold"`, title)
	for v := p.x.from; p.x.step > 0 && v <= p.x.to+p.x.step/1e6; v += p.x.step {
		p.line(p.x.at(v), p.y.low, p.x.at(v), p.y.top, "#e5e5e5", 1)
		p.text(p.x.at(v), p.y.low+18, "middle", "#444", "", fmt.Sprintf(p.x.format, v))
	}
	for v := p.y.from; p.y.step > 0 && v <= p.y.to+p.y.step/1e6; v += p.y.step {
		p.line(p.x.low, p.y.at(v), p.x.top, p.y.at(v), "#e5e5e5", 1)
		p.text(p.x.low-8, p.y.at(v)+4, "end", "#444", "", fmt.Sprintf(p.y.format, v))
	}
	p.line(p.x.low, p.y.low, p.x.top, p.y.low, "#444", 1.5)
	p.line(p.x.low, p.y.low, p.x.low, p.y.top, "#444", 1.5)
	p.text((p.x.low+p.x.top)/2, height-12, "middle", "#222", "", p.x.name)
	p.text(16, (p.y.low+p.y.top)/2, "middle", "#222", fmt.Sprintf(`transform="rotate(-90 16 %.1f)"`, (p.y.low+p.y.top)/2), p.y.name)
	return p
}

func (p *picture) line(x1, y1, x2, y2 float64, colour string, wide float64) {
	fmt.Fprintf(&p.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>`+"\n", x1, y1, x2, y2, colour, wide)
}

func (p *picture) text(x, y float64, anchor, colour, more, s string) {
	fmt.Fprintf(&p.b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" %s>%s</text>`+"\n", x, y, anchor, colour, more, html.EscapeString(s))
}

// dot marks a point given in values.
func (p *picture) dot(x, y, radius float64, colour string) {
	fmt.Fprintf(&p.b, `<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" fill-opacity="0.8"/>`+"\n", p.x.at(x), p.y.at(y), radius, colour)
}

// label writes beside a point.
func (p *picture) label(x, y, dx, dy float64, anchor, colour, s string) {
	p.text(p.x.at(x)+dx, p.y.at(y)+dy, anchor, colour, "", s)
}

// bar stands on the axis.
func (p *picture) bar(x, y, wide float64, colour string) {
	top := p.y.at(y)
	fmt.Fprintf(&p.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", p.x.at(x)-wide/2, top, wide, math.Max(p.y.low-top, 0), colour)
}

// curve joins points given in values.
func (p *picture) curve(xs, ys []float64, colour string, dashed bool) {
	var at []string
	for i := range xs {
		at = append(at, fmt.Sprintf("%.1f,%.1f", p.x.at(xs[i]), p.y.at(ys[i])))
	}
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(&p.b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(at, " "), colour, dash)
}

// key explains colours below the title.
func (p *picture) key(names []string, colour []string) {
	x := p.x.low
	for i, n := range names {
		fmt.Fprintf(&p.b, `<rect x="%.1f" y="33" width="11" height="11" fill="%s"/>`+"\n", x, colour[i])
		p.text(x+16, 43, "start", "#222", "", n)
		x += 34 + 7*float64(len([]rune(n)))
	}
}

// bytes is the whole file.
func (p *picture) bytes() []byte { return []byte(p.b.String() + "</svg>\n") }
