package regain_test

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestPackageComments wants one package comment a package, and that it says where
// the package ends: what it does not import, do or know.
func TestPackageComments(t *testing.T) {
	limit := regexp.MustCompile(`\b(not|no|nothing|never|nobody|none|only|neither)\b`)
	comments := map[string][]string{}
	for _, s := range readSources(t) {
		if s.isTest() {
			continue
		}
		dir := path.Dir(s.path)
		texts := comments[dir]
		if s.file.Doc != nil {
			texts = append(texts, s.file.Doc.Text())
		}
		comments[dir] = texts // also when there is none
	}
	for dir, texts := range comments {
		switch {
		case len(texts) != 1:
			t.Errorf("%s has %d package comments, want one", dir, len(texts))
		case !limit.MatchString(texts[0]):
			t.Errorf("%s: the package comment does not say what the package leaves to others", dir)
		}
	}
}

// TestExportedNamesAreDocumented covers the packages that others build on.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range readSources(t) {
		top, _, _ := strings.Cut(s.path, "/")
		if s.isTest() || top != "offline" && top != "rescue" && top != "agent" {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no comment", s.fset.Position(name.Pos()), name.Name)
			}
		}
	}
}

func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && receiverIsExported(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Doc == nil || d.Tok == token.TYPE && len(d.Specs) > 1 {
			return undocumentedSpecs(d)
		}
	}
	return nil
}

// undocumentedSpecs accepts a comment above a name or behind it on its line.
func undocumentedSpecs(d *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Doc == nil && spec.Comment == nil {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			if spec.Doc == nil && spec.Comment == nil {
				names = append(names, spec.Names...)
			}
		}
	}
	var exported []*ast.Ident
	for _, n := range names {
		if n.IsExported() {
			exported = append(exported, n)
		}
	}
	return exported
}

// receiverIsExported is true for functions too. Methods that only satisfy an
// interface of the standard library speak for themselves.
func receiverIsExported(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	switch f.Name.Name {
	case "Error", "String", "Unwrap", "Len", "Less", "Swap":
		return false
	}
	recv := f.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	if index, ok := recv.(*ast.IndexExpr); ok {
		recv = index.X
	}
	ident, ok := recv.(*ast.Ident)
	return ok && ident.IsExported()
}
