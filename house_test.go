package session_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// homes says where each third-party package, and each package of ours with a restricted circle,
// may be imported: by a path that begins so.
var homes = map[string][]string{
	"go.etcd.io/bbolt":          {"boltstore", "internal/boltfile/", "internal/torture/naive/"},
	"github.com/fxamacker/cbor": {"internal/record/"},
	"github.com/robfig/cron":    {"reaper.go"},
	"github.com/spf13/cobra":    {"cmd/sessctl/"},
	"github.com/rogpeppe":       {"cmd/sessctl/"},
	"golang.org/x/term":         {"cmd/sessctl/"},
}

// TestHouseImports holds the rules of what is imported where.
func TestHouseImports(t *testing.T) {
	seen := map[string]bool{}
	walkGo(t, func(path string, imports []string) {
		for _, imp := range imports {
			home, ok := homeOf(imp)
			seen[home] = true
			switch {
			case !strings.Contains(strings.Split(imp, "/")[0], "."), strings.HasPrefix(imp, "github.com/boltsession/session"):
			case !ok:
				t.Errorf("%s imports %s, which has no home", path, imp)
			case !allowed(path, homes[home]):
				t.Errorf("%s imports %s, whose home is %v", path, imp, homes[home])
			}
		}
	})
	for home := range homes {
		if strings.Contains(home, "bbolt") && !seen[home] {
			t.Errorf("nothing imports %s: does the test still see the code?", home)
		}
	}
}

// TestHouseRootTestsUseTheStandardLibrary: users of the packages inherit nothing from tests.
func TestHouseRootTestsUseTheStandardLibrary(t *testing.T) {
	walkGo(t, func(path string, imports []string) {
		dir := filepath.Dir(path)
		if !strings.HasSuffix(path, "_test.go") || dir != "." && dir != "sessiontest" && dir != "admin" {
			return
		}
		for _, imp := range imports {
			own := strings.HasPrefix(imp, "github.com/boltsession/session") || strings.HasPrefix(imp, "go.etcd.io/bbolt")
			if strings.Contains(imp, ".") && !own {
				t.Errorf("%s imports %s", path, imp)
			}
		}
	})
}

func homeOf(imp string) (string, bool) {
	for home := range homes {
		if imp == home || strings.HasPrefix(imp, home+"/") {
			return home, true
		}
	}
	return "", false
}

func allowed(path string, homes []string) bool {
	for _, home := range homes {
		if strings.HasPrefix(path, home) {
			return true
		}
	}
	return false
}

// walkGo calls f for every Go file of the module.
func walkGo(t *testing.T, f func(path string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return fs.SkipDir
			}
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, imp)
		}
		f(filepath.ToSlash(path), imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
