package remote

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotline/media"
)

// fill gives every field that can be set a value of its own.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Interface().(type) {
	case netip.AddrPort:
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(*n)}), uint16(*n))))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(*n)}), 32)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(*n, 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x" + string(rune('a'+*n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(*n)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(uint64(*n % 200))
	case reflect.Float64, reflect.Float32:
		v.SetFloat(float64(*n) + 0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(errors.New("went wrong")))
	}
}

// crosses sends a message over and compares.
func crosses[T any](t *testing.T, c codec[T], k kind) {
	for name, read := range c {
		zero, err := read([]byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		v := reflect.New(reflect.TypeOf(zero)).Elem()
		n := int64(0)
		fill(v, &n)
		if v.Type().Name() != name {
			t.Errorf("%s is in the table as %s", v.Type().Name(), name)
		}
		b, err := named(k, v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var buf [4 + maxFrame]byte
		gotKind, body, err := readFrame(bytes.NewReader(b), &buf)
		if err != nil || gotKind != k {
			t.Fatalf("%s: got kind %d, %v, want %d", name, gotKind, err, k)
		}
		got, err := c.read(body)
		if err != nil || !reflect.DeepEqual(any(got), v.Interface()) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, v.Interface())
		}
	}
}

func TestEveryCommandAndEventCrossesWithAllItsFields(t *testing.T) {
	crosses(t, commands, kindCommand)
	crosses(t, events, kindEvent)
}

// marked finds the exported types of package media that have a method.
func marked(t *testing.T, method string) map[string]bool {
	t.Helper()
	files, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), "../"+f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != method {
				continue
			}
			if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok && id.IsExported() {
				out[id.Name] = true
			}
		}
	}
	return out
}

func TestTheTablesHoldAllCommandsAndEventsOfTheEngine(t *testing.T) {
	for name := range marked(t, "command") {
		if commands[name] == nil {
			t.Errorf("command %s does not cross: add it to the table", name)
		}
	}
	for name := range marked(t, "event") {
		if events[name] == nil {
			t.Errorf("event %s does not cross: add it to the table", name)
		}
	}
}

func TestAClipIsCutAndReadAgain(t *testing.T) {
	for _, n := range []int{0, 1, clipChunk - 1, clipChunk, clipChunk + 1, 3*clipChunk + 7} {
		want := bytes.Repeat([]byte{1, 2, 3}, n)[:n]
		frames, err := chunks("en/hello", want)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, f := range frames {
			var buf [4 + maxFrame]byte
			k, body, err := readFrame(bytes.NewReader(f), &buf)
			if err != nil || k != kindClip {
				t.Fatalf("got kind %d, %v", k, err)
			}
			c, err := readChunk(body)
			if err != nil || c.id != "en/hello" || int(c.offset) != len(got) || int(c.total) != n {
				t.Fatalf("got %+v, %v", c, err)
			}
			got = append(got, c.audio...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d others", n, len(got))
		}
	}
}

func TestFramesThatAreTooLongOrEmptyAreRefused(t *testing.T) {
	var buf [4 + maxFrame]byte
	for name, b := range map[string][]byte{
		"empty": {0, 0, 0, 0}, "too long": {0, 1, 0, 1}, "huge": {255, 255, 255, 255}, "cut": {0, 0, 0, 9, 1, 2}, "nothing": {},
	} {
		if _, _, err := readFrame(bytes.NewReader(b), &buf); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if _, err := frame(kindEvent, make([]byte, maxFrame)); err == nil {
		t.Error("a frame of 64 KB and a byte was made")
	}
}

func TestTheEndOfALegIsToldThoughItsFiguresAreNoNumbers(t *testing.T) {
	if _, err := jsonFrame(kindEvent, math.NaN()); err == nil {
		t.Fatal("not a number is JSON now")
	}
	b, err := eventFrame(media.Closed{Leg: "a"})
	if err != nil || len(b) == 0 {
		t.Errorf("got %d bytes, %v", len(b), err)
	}
}

func TestCountersCrossByName(t *testing.T) {
	var a, b media.Stats
	a.Legs.Store(-3)
	a.PacketsIn.Store(7)
	take(&a).put(&b)
	if b.Legs.Load() != -3 || b.PacketsIn.Load() != 7 {
		t.Errorf("got %d legs, %d packets, want -3, 7", b.Legs.Load(), b.PacketsIn.Load())
	}
	figures{"None": 1}.put(&b)
}

func FuzzReadingFramesNeverPanics(f *testing.F) {
	for _, v := range []any{media.Play{Leg: "a", Clips: []media.ClipID{"x"}}, media.Close{Leg: "a"}, media.Tap{}} {
		b, _ := named(kindCommand, v)
		f.Add(b)
	}
	b, _ := named(kindEvent, media.Recorded{ID: "r", Err: errors.New("x")})
	f.Add(b)
	cs, _ := chunks("a", make([]byte, 10))
	f.Add(cs[0])
	h, _ := jsonFrame(kindHello, hello{Protocol: Protocol})
	f.Add(h)
	f.Add([]byte{0, 0, 0, 1, 23})
	f.Fuzz(func(t *testing.T, b []byte) {
		var buf [4 + maxFrame]byte
		r := bytes.NewReader(b)
		for {
			k, body, err := readFrame(r, &buf)
			if err != nil {
				return
			}
			readHello(k, body)
			if c, err := readChunk(body); err == nil && int(c.offset)+len(c.audio) > maxClip {
				t.Errorf("got a chunk up to %d", int(c.offset)+len(c.audio))
			}
			if v, err := commands.read(body); err == nil {
				if _, err := named(kindCommand, v); err != nil && !errors.Is(err, errTooLong) {
					t.Errorf("%+v was read but can't be written: %v", v, err)
				}
			}
			_, _ = events.read(body)
			l := &link{clips: map[media.ClipID]bool{}}
			_, _ = l.learn(k, body)
		}
	})
}
