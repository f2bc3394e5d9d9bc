package rules

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/lab-rules.md")

func TestRulesAreWellFormed(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]+(\.[A-Za-z0-9-]+)+$`)
	seen := map[string]bool{}
	for _, r := range All() {
		if !form.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("%q is no id, or there are two", r.ID)
		}
		seen[r.ID] = true
		if r.Source == "" || r.Value == nil || r.Value.String() == "" {
			t.Errorf("%s lacks its value or its source", r.ID)
		}
		if d, ok := r.Value.(Delay); ok && d <= 0 {
			t.Errorf("%s takes %v", r.ID, d)
		}
	}
}

// TestDocs keeps docs/lab-rules.md equal to the table; -update writes it.
func TestDocs(t *testing.T) {
	const path = "../../docs/lab-rules.md"
	want := document()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not the table of rules: run go test ./lab/rules -update", path)
	}
}

func document() []byte {
	var out bytes.Buffer
	out.WriteString(`# Rules of the lab

What the lab holds to be true of AWS, and where that is from. Durations are those of a
real account; ` + "`regain-lab serve --speed N`" + ` divides them by N and lets the token buckets
fill N times as fast. This page is made from the table in lab/rules by
` + "`go test ./lab/rules -update`" + `.

| rule | value | source |
|---|---|---|
`)
	for _, r := range All() {
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", r.ID, cell(r.Value.String()), cell(r.Source))
	}
	return out.Bytes()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func TestPace(t *testing.T) {
	for speed, want := range map[float64]time.Duration{0: 5 * time.Second, 1: 5 * time.Second, 10: 500 * time.Millisecond, 0.5: 10 * time.Second} {
		if got := (Pace{Speed: speed}).Of("consistency.ec2.create"); got != want {
			t.Errorf("at speed %v: %v, want %v", speed, got, want)
		}
	}
}

func TestLookups(t *testing.T) {
	if got := LimitOf("idempotency.token.length"); got != 64 {
		t.Errorf("got %d, want 64", got)
	}
	if got := (BucketOf("throttle.ec2.RunInstances")); got != (Bucket{5, 2}) {
		t.Errorf("got %v", got)
	}
	for what, lookup := range map[string]func(){
		"an unknown rule":   func() { DelayOf("ec2.nothing") },
		"of another kind":   func() { LimitOf("consistency.ec2.create") },
		"an unknown bucket": func() { BucketOf("throttle.ec2.Nothing") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is found", what)
				}
			}()
			lookup()
		}()
	}
}

func TestRequestBuckets(t *testing.T) {
	for _, tt := range []struct {
		service, action string
		filtered        bool
		want            string
	}{
		{"ec2", "DescribeInstances", true, "throttle.ec2.describe"},
		{"ec2", "DescribeInstances", false, "throttle.ec2.describe-unfiltered"},
		{"ec2", "DescribeAvailabilityZones", false, "throttle.ec2.describe"},
		{"ec2", "GetConsoleOutput", true, "throttle.ec2.describe"},
		{"ec2", "StopInstances", true, "throttle.ec2.mutating"},
		{"ec2", "StartInstances", true, "throttle.ec2.StartInstances"},
		{"ec2", "CreateTags", true, "throttle.ec2.CreateTags"},
		{"ssm", "PutParameter", true, "throttle.ssm.PutParameter"},
		{"ssm", "SendCommand", true, "throttle.ssm"},
		{"s3", "PutObject", true, ""},
		{"sts", "GetCallerIdentity", true, ""},
	} {
		r, ok := RequestBucket(tt.service, tt.action, tt.filtered)
		if r.ID != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %s: %q, want %q", tt.service, tt.action, r.ID, tt.want)
		}
	}
	if r, ok := ResourceBucket("ec2", "StopInstances"); !ok || r.Value != (Bucket{1000, 20}) {
		t.Errorf("got %v, %v", r, ok)
	}
	if _, ok := ResourceBucket("ec2", "AttachVolume"); ok {
		t.Error("AttachVolume has a bucket of resources")
	}
}

func TestMutating(t *testing.T) {
	for action, want := range map[string]bool{
		"ec2 DescribeInstances": false, "ec2 StopInstances": true, "ssm GetParameter": false, "ssm SendCommand": true, "ssm PutParameter": true,
		"iam SimulatePrincipalPolicy": false, "sts AssumeRole": false, "s3 HeadBucket": false, "s3 PutObject": true, "kms CreateKey": true, "kms Decrypt": false,
	} {
		service, name, _ := strings.Cut(action, " ")
		if got := Mutating(service, name); got != want {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
}
