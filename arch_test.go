package hotline_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "hotline"

// layers says which packages of this module each package may import.
var layers = map[string][]string{
	"sip":               {},
	"media":             {},
	"media/sdp":         {},
	"media/remote":      {"media"},
	"ivr":               {},
	"ivr/prompts":       {},
	"acd":               {},
	"acd/sim":           {"acd"},
	"store":             {},
	"store/bolt":        {"store"},
	"store/storetest":   {"store"},
	"recordings":        {"media"},
	"call":              {"sip", "media", "media/sdp", "ivr", "ivr/prompts", "acd", "store", "recordings"},
	"api":               {"call", "store", "recordings"},
	"internal/simnet":   {},
	"internal/phone":    {"sip", "media"},
	"internal/callload": {"media"},
	"cmd/hotline":       {"*"},
}

// testLayers are imports that only a package's tests may have.
var testLayers = map[string][]string{
	"*": {"internal/simnet", "media/remote", "internal/phone", "store/storetest", "store/bolt", "store", "media", "call", "sip", "ivr/prompts", "recordings", "acd/sim"},
}

// fences keep each outside library in its place.
var fences = map[string][]string{
	"github.com/emiago/sipgo":  {"sip"},
	"github.com/pion":          {"media", "media/sdp"},
	"github.com/zaf/g711":      {"media"},
	"go.etcd.io/bbolt":         {"store/bolt"},
	"github.com/spf13/cobra":   {"cmd"},
	"github.com/goccy/go-yaml": {"cmd"},
	"golang.org/x/sys":         {"media", "recordings", "internal/callload", "cmd"},
	"github.com/prometheus":    {"call", "api", "cmd"},
	"github.com/rogpeppe":      {"cmd"},
	"github.com/icholy/digest": {"sip"},
	"github.com/google/uuid":   {},
	"math/rand":                {"sip", "internal/simnet", "internal/phone", "internal/callload", "media", "acd", "store", "cmd", "call", "ivr"},
}

// pure packages neither start goroutines nor read the clock.
var pure = []string{"acd", "acd/sim", "media/sdp"}

// source walks over the Go files of the module.
func source(t *testing.T, visit func(fset *token.FileSet, name, pkg string, f *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "data" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" || path.Dir(name) == "." {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(fset, name, path.Dir(name), f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// layer finds the entry of a package: its own or that of the folder above it.
func layer(pkg string) ([]string, bool) {
	for p := pkg; p != "."; p = path.Dir(p) {
		if may, ok := layers[p]; ok {
			return may, true
		}
	}
	return nil, false
}

func TestPackagesImportOnlyWhatLiesBelowThem(t *testing.T) {
	source(t, func(_ *token.FileSet, name, pkg string, f *ast.File) {
		may, known := layer(pkg)
		if !known {
			t.Errorf("%s: package %s has no layer: add it to arch_test.go with a reason", name, pkg)
			return
		}
		test := strings.HasSuffix(name, "_test.go")
		for _, im := range f.Imports {
			dep, ours := strings.CutPrefix(strings.Trim(im.Path.Value, `"`), module+"/")
			if !ours || dep == pkg || slices.Contains(may, "*") || slices.Contains(may, dep) {
				continue
			}
			if test && slices.Contains(testLayers["*"], dep) {
				continue
			}
			t.Errorf("%s: %s must not import %s", name, pkg, dep)
		}
	})
}

func TestOutsideLibrariesStayBehindTheirFences(t *testing.T) {
	source(t, func(_ *token.FileSet, name, pkg string, f *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, im := range f.Imports {
			lib := strings.Trim(im.Path.Value, `"`)
			for fence, where := range fences {
				if lib != fence && !strings.HasPrefix(lib, fence+"/") {
					continue
				}
				if !slices.ContainsFunc(where, func(w string) bool { return pkg == w || strings.HasPrefix(pkg, w+"/") }) {
					t.Errorf("%s: %s must not import %s; it belongs in %v", name, pkg, lib, where)
				}
			}
		}
	})
}

func TestPurePackagesHaveNoGoroutinesAndNoClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "After", "Sleep", "NewTimer", "NewTicker", "AfterFunc", "Tick"}
	source(t, func(fset *token.FileSet, name, pkg string, f *ast.File) {
		if !slices.Contains(pure, pkg) || strings.HasSuffix(name, "_test.go") {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%v: go statement in pure package", fset.Position(g.Pos()))
			}
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, s.Sel.Name) {
					t.Errorf("%v: time.%s in pure package", fset.Position(s.Pos()), s.Sel.Name)
				}
			}
			return true
		})
	})
}

func TestEveryPackageHasOneDoc(t *testing.T) {
	docs := map[string]int{}
	source(t, func(_ *token.FileSet, name, pkg string, f *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		docs[pkg] += 0
		if f.Doc != nil {
			docs[pkg]++
		}
	})
	for pkg, n := range docs {
		if n != 1 {
			t.Errorf("package %s has %d package docs, want 1", pkg, n)
		}
	}
}

// TestFilesStaySmallEnoughToKnow fails where a file or function has grown so
// long that a stranger would lose his way in it.
func TestFilesStaySmallEnoughToKnow(t *testing.T) {
	source(t, func(fset *token.FileSet, name, pkg string, f *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		if n := fset.File(f.FileStart).LineCount(); n > 500 {
			t.Errorf("%s: %d lines, at most 500", name, n)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > 100 {
				t.Errorf("%s: %s has %d lines, at most 100", name, fn.Name.Name, n)
			}
		}
	})
}
