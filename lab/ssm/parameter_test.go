package ssm_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const keyName = "/ec2rl/openssh/i-0123/key"

func put(name, value string, more ...object) object {
	p := object{"Name": name, "Value": value, "Type": "String"}
	for _, m := range more {
		for k, v := range m {
			p[k] = v
		}
	}
	return p
}

func TestPutParameter(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.must(s, "PutParameter", put("/there", "x"))
	w.must(s, "PutParameter", put("/there/advanced", "x", object{"Tier": "Advanced"}))
	deep := strings.Repeat("/a", 15)
	for name, tt := range map[string]struct {
		params object
		code   string
	}{
		"new":                         {put("/new", "x"), ""},
		"no path":                     {put("plain", "x"), ""},
		"list":                        {put("/list", "a,b", object{"Type": "StringList"}), ""},
		"again":                       {put("/there", "y"), "ParameterAlreadyExists"},
		"again, overwrite":            {put("/there", "y", object{"Overwrite": true}), ""},
		"overwrite what is not":       {put("/not/there", "y", object{"Overwrite": true}), ""},
		"another type":                {put("/there", "y", object{"Overwrite": true, "Type": "SecureString"}), "HierarchyTypeMismatchException"},
		"overwrite with tags":         {put("/there", "y", object{"Overwrite": true, "Tags": []object{{"Key": "a", "Value": "b"}}}), "ValidationException"},
		"no type":                     {put("/untyped", "x", object{"Type": ""}), "ValidationException"},
		"no type, overwrite":          {put("/there", "x", object{"Type": "", "Overwrite": true}), ""},
		"unknown type":                {put("/odd", "x", object{"Type": "Int"}), "ValidationException"},
		"no value":                    {put("/empty", ""), "ValidationException"},
		"nested":                      {put("/nested", "a {{ssm:b}}"), "ValidationException"},
		"15 levels":                   {put(deep, "x"), ""},
		"16 levels":                   {put(deep+"/a", "x"), "HierarchyLevelLimitExceededException"},
		"aws":                         {put("/aws/x", "x"), "ValidationException"},
		"SSM":                         {put("SSM-x", "x"), "ValidationException"},
		"not fully qualified":         {put("a/b", "x"), "ValidationException"},
		"two slashes":                 {put("/a//b", "x"), "ValidationException"},
		"slash at the end":            {put("/a/", "x"), "ValidationException"},
		"space":                       {put("/a b", "x"), "ValidationException"},
		"too long":                    {put("/"+strings.Repeat("a", 1011), "x"), "ValidationException"},
		"4 KB":                        {put("/4k", strings.Repeat("x", 4096)), ""},
		"more than 4 KB":              {put("/5k", strings.Repeat("x", 4097)), "ValidationException"},
		"8 KB, advanced":              {put("/8k", strings.Repeat("x", 8192), object{"Tier": "Advanced"}), ""},
		"more than 8 KB":              {put("/9k", strings.Repeat("x", 8193), object{"Tier": "Advanced"}), "ValidationException"},
		"5 KB, by size":               {put("/5k-by-size", strings.Repeat("x", 5000), object{"Tier": "Intelligent-Tiering"}), ""},
		"9 KB, by size":               {put("/9k-by-size", strings.Repeat("x", 8193), object{"Tier": "Intelligent-Tiering"}), "ValidationException"},
		"back to standard":            {put("/there/advanced", "x", object{"Tier": "Standard", "Overwrite": true}), "ValidationException"},
		"unknown tier":                {put("/tier", "x", object{"Tier": "Gold"}), "ValidationException"},
		"a key for what is no secret": {put("/key", "x", object{"KeyId": "alias/aws/ssm"}), "ValidationException"},
		"no such key":                 {put("/key", "x", object{"KeyId": "alias/none", "Type": "SecureString"}), "InvalidKeyId"},
		"policies":                    {put("/policies", "x", object{"Policies": "[]"}), "UnsupportedOperation"},
		"data type":                   {put("/type", "x", object{"DataType": "aws:ec2:image"}), "UnsupportedOperation"},
		"long description":            {put("/words", "x", object{"Description": strings.Repeat("x", 1025)}), "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code := w.call(s, "PutParameter", tt.params); code != tt.code {
				t.Errorf("got %q, want %q", code, tt.code)
			}
		})
	}
}

// TestSecureString stores secrets of both tiers, looks for them on the disk, and
// reads them in another process's place.
func TestSecureString(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	for tier, secret := range map[string]string{"Standard": "-----BEGIN secret-of-4k", "Advanced": strings.Repeat("secret-of-8k", 500)} {
		name := keyName + "-" + tier
		got := w.must(s, "PutParameter", put(name, secret, object{"Type": "SecureString", "Tier": tier}))
		if got["Version"] != 1.0 || got["Tier"] != tier {
			t.Errorf("put: %v", got)
		}
		s = w.open()
		shown := w.must(s, "GetParameter", object{"Name": name})["Parameter"].(object)
		blob, err := base64.StdEncoding.DecodeString(shown["Value"].(string))
		if err != nil || bytes.Contains(blob, []byte("secret")) {
			t.Errorf("%s without decryption: %v, %v", tier, shown["Value"], err)
		}
		shown = w.must(s, "GetParameter", object{"Name": name, "WithDecryption": true})["Parameter"].(object)
		if shown["Value"] != secret || shown["Type"] != "SecureString" {
			t.Errorf("%s with decryption: %v", tier, shown)
		}
		past := items(w.must(s, "GetParameterHistory", object{"Name": name, "WithDecryption": true})["Parameters"])
		if past[0]["Value"] != secret || past[0]["KeyId"] != "alias/aws/ssm" || past[0]["Tier"] != tier {
			t.Errorf("%s in the history: %v", tier, past)
		}
	}
	err := filepath.WalkDir(w.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("secret-of")) {
			t.Errorf("%s holds a secret in clear", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMovedCiphertext shows that a ciphertext is bound to its parameter.
func TestMovedCiphertext(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.must(s, "PutParameter", put("/a", "secret a", object{"Type": "SecureString"}))
	w.must(s, "PutParameter", put("/b", "secret b", object{"Type": "SecureString"}))
	path := filepath.Join(w.dir, "parameters.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(`"/a"`), []byte(`"/x"`))
	text = bytes.ReplaceAll(text, []byte(`"/b"`), []byte(`"/a"`))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code := w.call(w.open(), "GetParameter", object{"Name": "/a", "WithDecryption": true}); code != "InvalidCiphertextException" {
		t.Errorf("a parameter with another's ciphertext: %q", code)
	}
}

func TestDisabledKey(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	id := newKey(t, w)
	w.must(s, "PutParameter", put("/a", "secret", object{"Type": "SecureString", "KeyId": id}))
	setKey(t, w, "DisableKey", id)
	if _, code := w.call(s, "GetParameter", object{"Name": "/a", "WithDecryption": true}); code != "InvalidKeyId" {
		t.Errorf("with a disabled key: %q", code)
	}
	w.must(s, "GetParameter", object{"Name": "/a"})
	setKey(t, w, "EnableKey", id)
	w.must(s, "GetParameter", object{"Name": "/a", "WithDecryption": true})
}

func TestVersions(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	for i := range 102 {
		w.must(s, "PutParameter", put("/a", fmt.Sprint("value ", i+1), object{"Overwrite": i > 0, "Description": "about it"}))
	}
	for name, tt := range map[string]struct{ value, code string }{
		"/a":     {"value 102", ""},
		"/a:102": {"value 102", ""},
		"/a:3":   {"value 3", ""},
		"/a:2":   {"", "ParameterVersionNotFound"}, // 100 are kept
		"/a:old": {"", "ParameterVersionNotFound"},
		"/b":     {"", "ParameterNotFound"},
		"arn:aws:ssm:us-east-1:123456789012:parameter/a": {"", "ParameterNotFound"}, // the ARN of "a"
		"/aws/service/ami": {"ami-0123", ""},
	} {
		got, code := w.call(s, "GetParameter", object{"Name": name})
		value := ""
		if got != nil {
			value = got["Parameter"].(object)["Value"].(string)
		}
		if value != tt.value || code != tt.code {
			t.Errorf("%s: got %q, %q; want %q, %q", name, value, code, tt.value, tt.code)
		}
	}
	selected := w.must(s, "GetParameter", object{"Name": "/a:5"})["Parameter"].(object)
	if selected["Name"] != "/a" || selected["Selector"] != ":5" || selected["Version"] != 5.0 {
		t.Errorf("selected: %v", selected)
	}
	var numbers []any
	for token := ""; ; {
		page := w.must(s, "GetParameterHistory", object{"Name": "/a", "MaxResults": 40, "NextToken": token})
		for _, v := range items(page["Parameters"]) {
			numbers = append(numbers, v["Version"])
		}
		if page["NextToken"] == nil {
			break
		}
		token = page["NextToken"].(string)
	}
	if len(numbers) != 100 || numbers[0] != 3.0 || numbers[99] != 102.0 {
		t.Errorf("history: %v", numbers)
	}
	if _, code := w.call(s, "GetParameterHistory", object{"Name": "/a", "NextToken": "x"}); code != "InvalidNextToken" {
		t.Errorf("a made-up token: %q", code)
	}
}

func TestGetAndDeleteMany(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.must(s, "PutParameter", put("/a/b", "1"))
	w.must(s, "PutParameter", put("b", "2"))
	names := []string{"/a/b", "b:9", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b", "/none", "/aws/service/ami"}
	got := w.must(s, "GetParameters", object{"Names": names})
	if n := len(items(got["Parameters"])); n != 3 || fmt.Sprint(got["InvalidParameters"]) != "[b:9 /none]" {
		t.Errorf("got %v", got)
	}
	for _, wrong := range [][]string{{}, {"/a", "/a"}, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}} {
		if _, code := w.call(s, "GetParameters", object{"Names": wrong}); code != "ValidationException" {
			t.Errorf("%v: %q", wrong, code)
		}
	}
	got = w.must(s, "DeleteParameters", object{"Names": []string{"/a/b", "/none"}})
	if fmt.Sprint(got["DeletedParameters"], got["InvalidParameters"]) != "[/a/b] [/none]" {
		t.Errorf("deleted: %v", got)
	}
	w.must(s, "DeleteParameter", object{"Name": "b"})
	if _, code := w.call(s, "DeleteParameter", object{"Name": "b"}); code != "ParameterNotFound" {
		t.Errorf("deleted twice: %q", code)
	}
}

func TestDescribeParameters(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.must(s, "PutParameter", put("/ec2rl/openssh/i-1/key", "x", object{"Type": "SecureString", "Tags": []object{{"Key": "run", "Value": "r1"}}}))
	w.must(s, "PutParameter", put("/ec2rl/openssh/i-2/key", "x", object{"Tier": "Advanced"}))
	w.must(s, "PutParameter", put("/ec2rl/flat", "x"))
	w.must(s, "PutParameter", put("other", "x"))
	w.must(s, "AddTagsToResource", object{"ResourceType": "Parameter", "ResourceId": "other", "Tags": []object{{"Key": "run", "Value": "r2"}}})
	for name, tt := range map[string]struct {
		filters []object
		want    string // names, or the code
	}{
		"none":        {nil, "/ec2rl/flat /ec2rl/openssh/i-1/key /ec2rl/openssh/i-2/key other"},
		"name":        {[]object{{"Key": "Name", "Values": []string{"/ec2rl/openssh/i-1/key", "other"}}}, "/ec2rl/openssh/i-1/key other"},
		"begins":      {[]object{{"Key": "Name", "Option": "BeginsWith", "Values": []string{"/ec2rl/o"}}}, "/ec2rl/openssh/i-1/key /ec2rl/openssh/i-2/key"},
		"contains":    {[]object{{"Key": "Name", "Option": "Contains", "Values": []string{"i-2"}}}, "/ec2rl/openssh/i-2/key"},
		"one level":   {[]object{{"Key": "Path", "Values": []string{"/ec2rl"}}}, "/ec2rl/flat"},
		"recursive":   {[]object{{"Key": "Path", "Option": "Recursive", "Values": []string{"/ec2rl/openssh"}}}, "/ec2rl/openssh/i-1/key /ec2rl/openssh/i-2/key"},
		"type":        {[]object{{"Key": "Type", "Values": []string{"SecureString"}}}, "/ec2rl/openssh/i-1/key"},
		"key":         {[]object{{"Key": "KeyId", "Values": []string{"alias/aws/ssm"}}}, "/ec2rl/openssh/i-1/key"},
		"tier":        {[]object{{"Key": "Tier", "Values": []string{"Advanced"}}}, "/ec2rl/openssh/i-2/key"},
		"tag":         {[]object{{"Key": "tag:run", "Values": []string{"r2"}}}, "other"},
		"any tag":     {[]object{{"Key": "tag:run"}}, "/ec2rl/openssh/i-1/key other"},
		"two filters": {[]object{{"Key": "tag:run"}, {"Key": "DataType", "Values": []string{"text"}}, {"Key": "Type", "Values": []string{"String"}}}, "other"},
		"bad key":     {[]object{{"Key": "Age"}}, "InvalidFilterKey"},
		"bad option":  {[]object{{"Key": "Type", "Option": "Contains"}}, "InvalidFilterOption"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, got := w.call(s, "DescribeParameters", object{"ParameterFilters": tt.filters})
			if answer != nil {
				got = names(answer)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	old := w.must(s, "DescribeParameters", object{"Filters": []object{{"Key": "Name", "Values": []string{"/ec2rl/f"}}}})
	if names(old) != "/ec2rl/flat" {
		t.Errorf("the old filters: %v", old)
	}
	first := w.must(s, "DescribeParameters", object{"MaxResults": 3})
	rest := w.must(s, "DescribeParameters", object{"MaxResults": 3, "NextToken": first["NextToken"]})
	if names(rest) != "other" || rest["NextToken"] != nil {
		t.Errorf("the second page: %v", rest)
	}
}

func names(answer object) string {
	var all []string
	for _, p := range items(answer["Parameters"]) {
		all = append(all, p["Name"].(string))
	}
	return strings.Join(all, " ")
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	w.must(s, "PutParameter", put("/a", "x", object{"Tags": []object{{"Key": "b", "Value": "1"}}}))
	on := func(id string, more object) object {
		more["ResourceType"], more["ResourceId"] = "Parameter", id
		return more
	}
	w.must(s, "AddTagsToResource", on("/a", object{"Tags": []object{{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}}}))
	if got := fmt.Sprint(w.must(s, "ListTagsForResource", on("/a", object{}))["TagList"]); got != "[map[Key:a Value:2] map[Key:b Value:3]]" {
		t.Errorf("got %s", got)
	}
	var many []object
	for i := range 49 {
		many = append(many, object{"Key": fmt.Sprint("k", i), "Value": ""})
	}
	for code, params := range map[string]object{
		"InvalidResourceId":    on("/b", object{"Tags": []object{}}),
		"TooManyTagsError":     on("/a", object{"Tags": many}),
		"UnsupportedOperation": {"ResourceType": "Document", "ResourceId": "x", "Tags": []object{}},
	} {
		if _, got := w.call(s, "AddTagsToResource", params); got != code {
			t.Errorf("got %q, want %q", got, code)
		}
	}
	if _, got := w.call(s, "ListTagsForResource", on("/b", object{})); got != "InvalidResourceId" {
		t.Errorf("tags of nothing: %q", got)
	}
}
