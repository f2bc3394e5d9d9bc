package controller

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What is missing is made by a command that can be copied, from a template that
// is there and has those parameters.
func TestCommandsThatMakeWhatIsMissing(t *testing.T) {
	const helper, setup = "deploy --stack-name regain-helper ", "deploy --stack-name regain-setup "
	noProfile := func(c *still) { clear(c.profiles) }
	noBucket := func(c *still) { clear(c.buckets) }
	for _, test := range []struct {
		lacks []func(*still)
		ask   Ask
		want  map[string][]string // by risk: what its detail holds
		never string
	}{
		{lacks: []func(*still){noProfile}, want: map[string][]string{"missing-profile": {helper, "--region eu-central-1"}}, never: "parameter-overrides"},
		{lacks: []func(*still){noProfile}, ask: Ask{Profile: "our_own"}, want: map[string][]string{
			"missing-profile": {"deploy --stack-name regain-helper-our-own ", "regain-helper.yaml", `"our_own"`, "HelperName=our_own"},
		}},
		{lacks: []func(*still){noBucket}, want: map[string][]string{"missing-bucket": {setup, "Helper=exists"}}},
		{lacks: []func(*still){noBucket}, ask: Ask{Bucket: "ours"}, want: map[string][]string{"missing-bucket": {"aws s3 mb s3://ours --region eu-central-1"}}},
		{
			lacks: []func(*still){noProfile, noBucket}, want: map[string][]string{"missing-profile": {setup}, "missing-bucket": {setup}},
			never: "Helper=exists",
		},
		{
			lacks: []func(*still){noProfile, noBucket}, ask: Ask{Bucket: "ours"},
			want: map[string][]string{"missing-profile": {helper}, "missing-bucket": {"s3 mb s3://ours"}},
		},
	} {
		c := quiet()
		for _, lose := range test.lacks {
			lose(c)
		}
		test.ask.Instance = patientID
		p := c.plan(t, test.ask)
		if len(p.Risks) != len(test.want) {
			t.Errorf("got %+v, want %v", p.Risks, test.want)
		}
		for _, r := range p.Risks {
			for _, text := range test.want[r.ID] {
				if !strings.Contains(r.Detail, text) {
					t.Errorf("%s does not say %q: %s", r.ID, text, r.Detail)
				}
			}
			if test.never != "" && strings.Contains(r.Detail, test.never) {
				t.Errorf("%s says %q: %s", r.ID, test.never, r.Detail)
			}
			expectTemplate(t, r.Detail)
		}
	}
}

var templateFile, override = regexp.MustCompile(`setup (\w+) --out (\S+) && .* --template-file (\S+)`), regexp.MustCompile(`(\w+)=\w+`)

func expectTemplate(t *testing.T, detail string) {
	t.Helper()
	if !strings.Contains(detail, "cloudformation deploy") {
		return
	}
	names := templateFile.FindStringSubmatch(detail)
	if names == nil || names[2] != names[3] || names[2] != map[string]string{"account": "regain-setup.yaml", "helper": "regain-helper.yaml"}[names[1]] {
		t.Fatalf("it is not written before it is deployed: %s", detail)
	}
	file := names[2]
	template, err := os.ReadFile("../packaging/cloudformation/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for _, parameter := range override.FindAllStringSubmatch(detail, -1) {
		if !strings.Contains(string(template), "\n  "+parameter[1]+":\n") {
			t.Errorf("%s has no parameter %s", file, parameter[1])
		}
	}
}
