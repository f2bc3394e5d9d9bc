package wire

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func paramsOf(t testing.TB, query string) *Params {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	c := Call{Query: values}
	return c.Params()
}

func TestParams(t *testing.T) {
	p := paramsOf(t, strings.Join([]string{
		"Action=X&Version=1&DryRun=true&MaxCount=3&InstanceId.2=i-2&InstanceId.10=i-10&InstanceId.1=i-1",
		"Filter.1.Name=tag:run&Filter.1.Value.1=a&Filter.1.Value.2=b&Filter.2.Name=state&Filter.2.Value.1=c",
		"IamInstanceProfile.Name=helper&Names.member.1=x&Names.member.2=y&Groups.member.1.Id=g&Harmless.A.B=1",
	}, "&"))
	if got := p.Strings("InstanceId"); !slices.Equal(got, []string{"i-1", "i-2", "i-10"}) {
		t.Errorf("ids are %v", got)
	}
	var filters []string
	for _, f := range p.List("Filter") {
		filters = append(filters, f.Require("Name")+"="+strings.Join(f.Strings("Value"), ","))
	}
	if !slices.Equal(filters, []string{"tag:run=a,b", "state=c"}) {
		t.Errorf("filters are %v", filters)
	}
	if got := p.Sub("IamInstanceProfile").String("Name"); got != "helper" {
		t.Errorf("the profile is %q", got)
	}
	if got := p.Strings("Names"); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("members are %v", got)
	}
	if got := p.List("Groups"); len(got) != 1 || got[0].String("Id") != "g" {
		t.Errorf("groups are %v", got)
	}
	if !p.Bool("DryRun") || p.Bool("Missing") || p.Int("MaxCount", 1) != 3 || p.Int("MinCount", 1) != 1 {
		t.Error("a flag or a number is wrong")
	}
	if !p.Has("Filter") || !p.Has("DryRun") || p.Has("Filt") {
		t.Error("Has is wrong")
	}
	if err := p.Done(); !IsFault(err, "UnsupportedOperation") || !strings.Contains(err.Error(), "Harmless.A.B") {
		t.Errorf("got %v, want what nobody read", err)
	}
	p.Ignore("Harmless")
	if err := p.Done(); err != nil {
		t.Error(err)
	}
}

func TestParamsFaults(t *testing.T) {
	for query, tt := range map[string]struct {
		read func(*Params)
		code string
	}{
		"a=1":   {func(p *Params) { p.Require("b") }, "MissingParameter"},
		"a=yes": {func(p *Params) { p.Bool("a") }, "InvalidParameterValue"},
		"a=x":   {func(p *Params) { p.Int("a", 0) }, "InvalidParameterValue"},
		"a.x=1": {func(p *Params) { p.Strings("a") }, "UnsupportedOperation"},
		"a=":    {func(p *Params) { p.Require("a"); p.Int("b", 0) }, "MissingParameter"},
	} {
		p := paramsOf(t, query)
		tt.read(p)
		if err := p.Done(); !IsFault(err, tt.code) {
			t.Errorf("%s: %v, want %s", query, err, tt.code)
		}
	}
}

func FuzzParams(f *testing.F) {
	f.Add("a.1=x&a.member.2.b=y&a.-3=z&a.99999999999999999999=0&a..=1&a.01=2&a.1.b.1=3")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		c := Call{Query: values}
		p := c.Params()
		for _, item := range p.List("a") {
			item.String("b")
			item.Strings("c")
		}
		p.Strings("a")
		_ = p.Done()
	})
}
