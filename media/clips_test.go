package media

import "testing"

func TestAClipIsNeverChangedButCanBeForgotten(t *testing.T) {
	var c clips
	c.add("a", []byte{1})
	c.add("a", []byte{2})
	if b, ok := c.get("a"); !ok || b[0] != 1 {
		t.Errorf("got %v %v, want the first", b, ok)
	}
	c.add("a", nil)
	c.add("never", nil)
	if _, ok := c.get("a"); ok || len(c.byID) != 0 {
		t.Errorf("got %d clips, want none", len(c.byID))
	}
	c.add("a", []byte{3})
	if b, _ := c.get("a"); len(b) != 1 || b[0] != 3 {
		t.Errorf("got %v, want the new one", b)
	}
}
