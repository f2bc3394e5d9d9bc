package policy

import (
	"slices"
	"strings"
	"testing"
)

const (
	instance = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123"
	helper   = "arn:aws:iam::123456789012:role/regain-helper"
)

// policyOf makes a document of statements; ' stands for ".
func policyOf(t *testing.T, statements string) *Document {
	t.Helper()
	d, err := Parse([]byte(strings.ReplaceAll(`{'Version':'2012-10-17','Statement':[`+statements+`]}`, `'`, `"`)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The cases follow the IAM User Guide: evaluation logic, policy elements, operators,
// multivalued keys.
func TestEvaluate(t *testing.T) {
	for name, tt := range map[string]struct {
		statements string
		request    Request
		want       Decision
	}{
		"nothing is said":             {`{'Effect':'Allow','Action':'s3:*','Resource':'*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, ImplicitDeny},
		"allowed":                     {`{'Effect':'Allow','Action':'ec2:StopInstances','Resource':'*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, Allowed},
		"actions have no case":        {`{'Effect':'Allow','Action':'EC2:stopINSTANCES','Resource':'*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, Allowed},
		"wildcards in actions":        {`{'Effect':'Allow','Action':['ec2:De*Vol?me'],'Resource':'*'}`, Request{Action: "ec2:DetachVolume", Resource: "*"}, Allowed},
		"deny wins, first or last":    {`{'Effect':'Deny','Action':'ec2:*','Resource':'*'},{'Effect':'Allow','Action':'*','Resource':'*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, ExplicitDeny},
		"NotAction allows the rest":   {`{'Effect':'Allow','NotAction':'iam:*','Resource':'*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, Allowed},
		"NotAction leaves out":        {`{'Effect':'Allow','NotAction':['iam:*','ec2:Stop*'],'Resource':'*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, ImplicitDeny},
		"another resource":            {`{'Effect':'Allow','Action':'*','Resource':'arn:aws:ec2:*:*:volume/*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, ImplicitDeny},
		"resources have case":         {`{'Effect':'Allow','Action':'*','Resource':'arn:aws:ec2:*:*:Instance/*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, ImplicitDeny},
		"a wildcard ends at a colon":  {`{'Effect':'Allow','Action':'*','Resource':'arn:aws:ec2:*:instance/*'}`, Request{Action: "ec2:StopInstances", Resource: instance}, ImplicitDeny},
		"NotResource":                 {`{'Effect':'Deny','Action':'*','NotResource':'arn:aws:ec2:*:*:instance/*'},{'Effect':'Allow','Action':'*','Resource':'*'}`, Request{Action: "iam:PassRole", Resource: helper}, ExplicitDeny},
		"resource * is asked for":     {`{'Effect':'Allow','Action':'ec2:DescribeInstances','Resource':'*'}`, Request{Action: "ec2:DescribeInstances", Resource: "*"}, Allowed},
		"* is not a named resource":   {`{'Effect':'Allow','Action':'ec2:StopInstances','Resource':'arn:aws:ec2:*:*:instance/*'}`, Request{Action: "ec2:StopInstances", Resource: "*"}, ImplicitDeny},
		"one statement, not an array": {`{'Effect':'Allow','Action':'iam:PassRole','Resource':'` + helper + `'}`, Request{Action: "iam:PassRole", Resource: helper}, Allowed},
		"a variable": {
			`{'Effect':'Allow','Action':'*','Resource':'arn:aws:iam::123456789012:role/${aws:username}'}`,
			Request{Action: "iam:GetRole", Resource: "arn:aws:iam::123456789012:role/me", Context: Context{"aws:username": {"me"}}}, Allowed,
		},
		"a variable is no wildcard": {
			`{'Effect':'Allow','Action':'*','Resource':'arn:aws:iam::123456789012:role/${aws:username}'}`,
			Request{Action: "iam:GetRole", Resource: "arn:aws:iam::123456789012:role/me", Context: Context{"aws:username": {"*"}}}, ImplicitDeny,
		},
		"a variable without a value": {
			`{'Effect':'Allow','Action':'*','Resource':'arn:aws:iam::123456789012:role/${aws:username}'}`,
			Request{Action: "iam:GetRole", Resource: "arn:aws:iam::123456789012:role/"}, ImplicitDeny,
		},
		"a variable with a default": {
			`{'Effect':'Allow','Action':'*','Resource':'arn:aws:iam::123456789012:role/${aws:username, 'anon'}'}`,
			Request{Action: "iam:GetRole", Resource: "arn:aws:iam::123456789012:role/anon"}, Allowed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			// the default of a variable stands in single quotes
			text := strings.ReplaceAll(tt.statements, `, 'anon'`, ", \u2019anon\u2019")
			text = strings.ReplaceAll(text, `'`, `"`)
			d, err := Parse([]byte(strings.ReplaceAll(`{"Version":"2012-10-17","Statement":[`+text+`]}`, "\u2019", "'")))
			if err != nil {
				t.Fatal(err)
			}
			if got := Evaluate([]*Document{d}, tt.request).Decision; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	ctx := func(pairs ...string) Context {
		c := Context{}
		for i := 0; i < len(pairs); i += 2 {
			c[pairs[i]] = append(c[pairs[i]], pairs[i+1])
		}
		return c
	}
	for condition, tt := range map[string]struct{ holds, fails []Context }{
		`'StringEquals':{'k':['a','b']}`:             {[]Context{ctx("k", "a"), ctx("K", "b")}, []Context{ctx("k", "A"), ctx()}},
		`'StringNotEquals':{'k':['a','b']}`:          {[]Context{ctx("k", "c"), ctx()}, []Context{ctx("k", "a")}},
		`'StringEqualsIgnoreCase':{'k':'a'}`:         {[]Context{ctx("k", "A")}, []Context{ctx("k", "b"), ctx()}},
		`'StringNotEqualsIgnoreCase':{'k':'a'}`:      {[]Context{ctx("k", "b"), ctx()}, []Context{ctx("k", "A")}},
		`'StringLike':{'k':'a?c*'}`:                  {[]Context{ctx("k", "abc"), ctx("k", "abcd")}, []Context{ctx("k", "ac"), ctx()}},
		`'StringNotLike':{'k':'a*'}`:                 {[]Context{ctx("k", "b"), ctx()}, []Context{ctx("k", "abc")}},
		`'StringEqualsIfExists':{'k':'a'}`:           {[]Context{ctx("k", "a"), ctx()}, []Context{ctx("k", "b")}},
		`'Bool':{'k':'true'}`:                        {[]Context{ctx("k", "true"), ctx("k", "True")}, []Context{ctx("k", "false"), ctx()}},
		`'Bool':{'k':true}`:                          {[]Context{ctx("k", "true")}, []Context{ctx("k", "false")}},
		`'BoolIfExists':{'k':'false'}`:               {[]Context{ctx("k", "false"), ctx()}, []Context{ctx("k", "true")}},
		`'Null':{'k':'true'}`:                        {[]Context{ctx()}, []Context{ctx("k", "a")}},
		`'Null':{'k':'false'}`:                       {[]Context{ctx("k", "a")}, []Context{ctx()}},
		`'ArnLike':{'k':'arn:aws:ec2:*:*:i*/x'}`:     {[]Context{ctx("k", "arn:aws:ec2:r:1:instance/x")}, []Context{ctx("k", "arn:aws:ec2:r:instance/x"), ctx()}},
		`'ArnNotEquals':{'k':'arn:aws:ec2:*:*:i/x'}`: {[]Context{ctx("k", "arn:aws:ec2:r:1:i/y"), ctx()}, []Context{ctx("k", "arn:aws:ec2:r:1:i/x")}},
		`'ForAllValues:StringEquals':{'k':['a','b']}`: {
			[]Context{ctx("k", "a"), ctx("k", "a", "k", "b"), ctx()}, []Context{ctx("k", "a", "k", "c")},
		},
		`'ForAnyValue:StringEquals':{'k':['a','b']}`: {
			[]Context{ctx("k", "a"), ctx("k", "a", "k", "c")}, []Context{ctx("k", "c"), ctx()},
		},
		`'ForAllValues:StringNotEquals':{'k':['a']}`: {[]Context{ctx("k", "b", "k", "c"), ctx()}, []Context{ctx("k", "a", "k", "b")}},
		`'ForAnyValue:StringNotEquals':{'k':['a']}`:  {[]Context{ctx("k", "a", "k", "b")}, []Context{ctx("k", "a")}},
		`'StringEquals':{'k':'${j}'}`:                {[]Context{ctx("k", "x", "j", "x")}, []Context{ctx("k", "x", "j", "y"), ctx("k", "x")}},
		`'StringEquals':{'k':'a','j':'b'}`:           {[]Context{ctx("k", "a", "j", "b")}, []Context{ctx("k", "a"), ctx("j", "b")}},
		`'StringEquals':{'k':'a'},'Null':{'j':true}`: {[]Context{ctx("k", "a")}, []Context{ctx("k", "a", "j", "b")}},
	} {
		d := policyOf(t, `{'Effect':'Allow','Action':'*','Resource':'*','Condition':{`+condition+`}}`)
		check := func(contexts []Context, want Decision) {
			for _, c := range contexts {
				if got := Evaluate([]*Document{d}, Request{Action: "a:b", Resource: "*", Context: c}).Decision; got != want {
					t.Errorf("%s with %v: %v, want %v", condition, c, got, want)
				}
			}
		}
		check(tt.holds, Allowed)
		check(tt.fails, ImplicitDeny)
	}
}

func TestMissingAndMatched(t *testing.T) {
	allow := policyOf(t, `{'Effect':'Allow','Action':'ec2:StopInstances','Resource':'*','Condition':{'StringEquals':{'ec2:ResourceTag/opt-in':'yes'},'Bool':{'z':'true'}}}`)
	other := policyOf(t, `{'Effect':'Allow','Action':'s3:*','Resource':'*','Condition':{'StringEquals':{'s3:x':'yes'}}}`)
	r := Evaluate([]*Document{other, allow}, Request{Action: "ec2:StopInstances", Resource: instance})
	if want := []string{"ec2:ResourceTag/opt-in", "z"}; r.Decision != ImplicitDeny || !slices.Equal(r.Missing, want) {
		t.Errorf("got %+v, want %v missing", r, want)
	}
	r = Evaluate([]*Document{other, allow}, Request{Action: "ec2:StopInstances", Resource: instance, Context: Context{"EC2:ResourceTag/Opt-In": {"yes"}, "z": {"true"}}})
	if r.Decision != Allowed || !slices.Equal(r.Matched, []int{1}) {
		t.Errorf("got %+v, want the second policy to have matched", r)
	}
}

func TestTrusts(t *testing.T) {
	trust := func(statements string) *Document {
		d, err := ParseTrust([]byte(strings.ReplaceAll(`{'Version':'2012-10-17','Statement':[`+statements+`]}`, `'`, `"`)))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const user = "arn:aws:iam::123456789012:user/operator"
	byUser := trust(`{'Effect':'Allow','Principal':{'AWS':'` + user + `'},'Action':'sts:AssumeRole'}`)
	external := trust(`{'Effect':'Allow','Principal':'*','Action':'sts:AssumeRole','Condition':{'StringEquals':{'sts:ExternalId':'x'}}}`)
	denied := trust(`{'Effect':'Allow','Principal':'*','Action':'sts:*'},{'Effect':'Deny','Principal':{'AWS':['` + user + `']},'Action':'sts:AssumeRole'}`)
	for name, tt := range map[string]struct {
		trust *Document
		who   string
		keys  Context
		want  bool
	}{
		"named":               {byUser, user, nil, true},
		"not named":           {byUser, user + "2", nil, false},
		"with external id":    {external, user, Context{"sts:ExternalId": {"x"}}, true},
		"without":             {external, user, nil, false},
		"denied all the same": {denied, user, nil, false},
	} {
		if got := tt.trust.Trusts("sts:AssumeRole", []string{tt.who}, tt.keys); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":          `{`,
		"two documents":    `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} {}`,
		"no statement":     `{"Version":"2012-10-17"}`,
		"version":          `{"Version":"2013-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		"effect":           `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`,
		"no action":        `{"Statement":{"Effect":"Allow","Resource":"*"}}`,
		"two actions":      `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`,
		"action":           `{"Statement":{"Effect":"Allow","Action":"StopInstances","Resource":"*"}}`,
		"no resource":      `{"Statement":{"Effect":"Allow","Action":"*"}}`,
		"a principal":      `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}`,
		"an element":       `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Resources":"*"}}`,
		"an operator":      `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"a":"b"}}}}`,
		"Null with a set":  `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:Null":{"a":"b"}}}}`,
		"value of objects": `{"Statement":{"Effect":"Allow","Action":{"a":"b"},"Resource":"*"}}`,
	} {
		if d, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, d)
		}
	}
	if _, err := ParseTrust([]byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)); err == nil {
		t.Error("a trust policy without a principal is accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*","Condition":{"StringLike":{"a":["${b, 'c'}","*"]}}}}`))
	f.Add([]byte(`{"Statement":[{"Effect":"Deny","NotAction":["a:b"],"NotResource":"${"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		Evaluate([]*Document{d}, Request{Action: "ec2:StopInstances", Resource: instance, Context: Context{"a": {"x", "y"}, "b": {"*"}}})
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !strings.ContainsAny(text, "\ue000\ue001") && strings.ToValidUTF8(text, "") == text && !match(literal.Replace(text), text) {
			t.Errorf("%q does not match itself", text)
		}
		match(pattern, text)
	})
}
