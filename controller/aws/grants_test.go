package aws

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller/policy"
)

// services are the SDK's names of the clients in Cloud.
var services = map[string]string{
	"ec2": "EC2", "ssm": "SSM", "sts": "STS", "iam": "IAM", "kms": "KMS", "s3": "S3", "autoscaling": "Auto Scaling", "quotas": "Service Quotas",
}

// TestPolicyIsWhatIsCalled reads this package's source: each call of the SDK has
// a grant, and each grant a call.
func TestPolicyIsWhatIsCalled(t *testing.T) {
	called := map[string]bool{}
	paths, err := filepath.Glob("*.go")
	if err != nil || len(paths) == 0 {
		t.Fatal("no source", err)
	}
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			calls(t, path, called)
		}
	}
	if got, want := slices.Sorted(maps.Keys(called)), policy.Actions(); !slices.Equal(got, want) {
		for _, a := range got {
			if !slices.Contains(want, a) {
				t.Errorf("%s is called, and no policy grants it", a)
			}
		}
		for _, a := range want {
			if !called[a] {
				t.Errorf("%s is granted, and nothing calls it", a)
			}
		}
	}
	if len(called) < 50 {
		t.Errorf("found only %d calls: the search is broken", len(called))
	}
}

// TestImplied wants a reason for each grant that no call is made for.
func TestImplied(t *testing.T) {
	want := []string{
		"iam:PassRole",                         // checked by RunInstances
		"kms:CreateGrant",                      // checked by AttachVolume and StartInstances
		"kms:Decrypt",                          // checked by RunInstances, GetParameter
		"kms:Encrypt",                          // checked by PutParameter
		"kms:GenerateDataKeyWithoutPlaintext",  // checked by RunInstances
		"kms:ReEncryptFrom", "kms:ReEncryptTo", // checked by RunInstances
		"s3:GetObject", // the helper's, by a link that the controller signs
	}
	if got := policy.Implied(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

var pager = regexp.MustCompile(`^New(\w+)Paginator$`)

func calls(t *testing.T, path string, called map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if client, ok := sel.X.(*ast.SelectorExpr); ok && isCloud(client.X) && services[client.Sel.Name] != "" {
			called[action(services[client.Sel.Name], sel.Sel.Name)] = true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && pager.MatchString(sel.Sel.Name) {
			called[action(services[pkg.Name], pager.FindStringSubmatch(sel.Sel.Name)[1])] = true
		}
		return true
	})
}

func isCloud(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == "c"
}
