package kms_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/kms"
	"github.com/seed-77750964/regain/lab/wire"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *kms.KMS {
	t.Helper()
	k, err := kms.Open(kms.Config{
		Dir: dir, Partition: "aws", Region: "us-east-1", Account: "123456789012", Now: func() time.Time { return now }, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// call is an answer as JSON, or the code of the fault.
func call(t *testing.T, k *kms.KMS, action string, params any) (answer map[string]any, code string) {
	t.Helper()
	text, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.Do(t.Context(), &wire.Call{Service: "kms", Action: action, JSON: text})
	var fault *wire.Fault
	switch {
	case errors.As(err, &fault):
		return nil, fault.Code
	case err != nil:
		t.Fatalf("%s: %v", action, err)
	}
	if text, err = json.Marshal(got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer, ""
}

type object = map[string]any

func newKey(t *testing.T, k *kms.KMS) (id, arn string) {
	t.Helper()
	answer, code := call(t, k, "CreateKey", object{"Description": "for a volume", "Tags": []object{{"TagKey": "a", "TagValue": "b"}}})
	if code != "" {
		t.Fatal(code)
	}
	made := answer["KeyMetadata"].(object)
	return made["KeyId"].(string), made["Arn"].(string)
}

func TestActionsAreSorted(t *testing.T) {
	names := open(t, t.TempDir()).Actions()
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
}

// TestStates walks a key through its states and uses it in each.
func TestStates(t *testing.T) {
	k := open(t, t.TempDir())
	id, arn := newKey(t, k)
	blob, err := k.Encrypt(id, []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		action string
		params object
		code   string
		state  string
		use    string // the code of an attempt to use the key afterwards
	}{
		{"DisableKey", object{"KeyId": id}, "", "Disabled", "DisabledException"},
		{"DisableKey", object{"KeyId": id}, "", "Disabled", "DisabledException"},
		{"CancelKeyDeletion", object{"KeyId": id}, "DisabledException", "Disabled", "DisabledException"},
		{"EnableKey", object{"KeyId": arn}, "", "Enabled", ""},
		{"CancelKeyDeletion", object{"KeyId": id}, "KMSInvalidStateException", "Enabled", ""},
		{"ScheduleKeyDeletion", object{"KeyId": id, "PendingWindowInDays": 6}, "ValidationException", "Enabled", ""},
		{"ScheduleKeyDeletion", object{"KeyId": id, "PendingWindowInDays": 7}, "", "PendingDeletion", "KMSInvalidStateException"},
		{"EnableKey", object{"KeyId": id}, "KMSInvalidStateException", "PendingDeletion", "KMSInvalidStateException"},
		{"CancelKeyDeletion", object{"KeyId": id}, "", "Disabled", "DisabledException"},
	} {
		_, code := call(t, k, step.action, step.params)
		answer, _ := call(t, k, "DescribeKey", object{"KeyId": id})
		state := answer["KeyMetadata"].(object)["KeyState"]
		_, use := call(t, k, "Decrypt", object{"CiphertextBlob": blob})
		if code != step.code || state != step.state || use != step.use {
			t.Errorf("%s: %q, then %s and use %q; want %q, %s, %q", step.action, code, state, use, step.code, step.state, step.use)
		}
	}
}

func TestFaults(t *testing.T) {
	k := open(t, t.TempDir())
	id, _ := newKey(t, k)
	other, _ := newKey(t, k)
	ours := "arn:aws:kms:us-east-1:123456789012:"
	blob, err := k.Encrypt(id, []byte("secret"), map[string]string{"a": "b"})
	if err != nil {
		t.Fatal(err)
	}
	torn := slices.Clone(blob)
	torn[len(torn)-1] ^= 1
	missing := ours + "key/11111111-2222-4333-8444-555555555555"
	for name, tt := range map[string]struct {
		action string
		params object
		code   string
	}{
		"no such action":       {"CreateGrant", object{}, "UnknownOperationException"},
		"unknown parameter":    {"CreateKey", object{"Policy": "{}"}, "UnsupportedOperation"},
		"wrong type":           {"CreateKey", object{"Description": 1}, "SerializationException"},
		"asymmetric":           {"CreateKey", object{"KeySpec": "RSA_2048"}, "UnsupportedOperationException"},
		"multi-region":         {"CreateKey", object{"MultiRegion": true}, "UnsupportedOperationException"},
		"no such key":          {"DescribeKey", object{"KeyId": missing}, "NotFoundException"},
		"no id at all":         {"DescribeKey", object{"KeyId": "nonsense"}, "NotFoundException"},
		"no such alias":        {"DescribeKey", object{"KeyId": "alias/none"}, "NotFoundException"},
		"another region":       {"DescribeKey", object{"KeyId": "arn:aws:kms:eu-west-1:123456789012:key/" + id}, "NotFoundException"},
		"no ARN of KMS":        {"DescribeKey", object{"KeyId": "arn:aws:s3:::bucket"}, "InvalidArnException"},
		"torn":                 {"Decrypt", object{"CiphertextBlob": torn, "EncryptionContext": object{"a": "b"}}, "InvalidCiphertextException"},
		"other context":        {"Decrypt", object{"CiphertextBlob": blob, "EncryptionContext": object{"a": "c"}}, "InvalidCiphertextException"},
		"no context":           {"Decrypt", object{"CiphertextBlob": blob}, "InvalidCiphertextException"},
		"no ciphertext":        {"Decrypt", object{"CiphertextBlob": []byte("hello")}, "InvalidCiphertextException"},
		"another key":          {"Decrypt", object{"CiphertextBlob": blob, "KeyId": other, "EncryptionContext": object{"a": "b"}}, "IncorrectKeyException"},
		"a key that is not":    {"Decrypt", object{"CiphertextBlob": blob, "KeyId": missing}, "NotFoundException"},
		"another algorithm":    {"Encrypt", object{"KeyId": id, "Plaintext": []byte("x"), "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}, "InvalidKeyUsageException"},
		"nothing to encrypt":   {"Encrypt", object{"KeyId": id}, "ValidationException"},
		"too much":             {"Encrypt", object{"KeyId": id, "Plaintext": make([]byte, 4097)}, "ValidationException"},
		"managed key":          {"Encrypt", object{"KeyId": "alias/aws/ssm", "Plaintext": []byte("x")}, "AccessDeniedException"},
		"disable managed key":  {"DisableKey", object{"KeyId": "alias/aws/ebs"}, "AccessDeniedException"},
		"data key of no size":  {"GenerateDataKey", object{"KeyId": id}, "ValidationException"},
		"data key of two":      {"GenerateDataKey", object{"KeyId": id, "KeySpec": "AES_256", "NumberOfBytes": 32}, "ValidationException"},
		"reserved alias":       {"CreateAlias", object{"AliasName": "alias/aws/mine", "TargetKeyId": id}, "InvalidAliasNameException"},
		"no name for an alias": {"CreateAlias", object{"AliasName": "mine", "TargetKeyId": id}, "InvalidAliasNameException"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code := call(t, k, tt.action, tt.params); code != tt.code {
				t.Errorf("%s: got %q, want %q", tt.action, code, tt.code)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	k := open(t, t.TempDir())
	id, arn := newKey(t, k)
	if _, code := call(t, k, "CreateAlias", object{"AliasName": "alias/mine", "TargetKeyId": arn}); code != "" {
		t.Fatal(code)
	}
	if _, code := call(t, k, "CreateAlias", object{"AliasName": "alias/mine", "TargetKeyId": arn}); code != "AlreadyExistsException" {
		t.Errorf("an alias made twice: %q", code)
	}
	context := object{"PARAMETER_ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/x", "b": "c"}
	for _, name := range []string{id, arn, "alias/mine", "arn:aws:kms:us-east-1:123456789012:alias/mine"} {
		made, code := call(t, k, "Encrypt", object{"KeyId": name, "Plaintext": []byte("secret"), "EncryptionContext": context})
		if code != "" || made["KeyId"] != arn {
			t.Fatalf("%s: %q, %v", name, code, made)
		}
		got, code := call(t, k, "Decrypt", object{"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context, "KeyId": "alias/mine"})
		if code != "" || got["Plaintext"] != "c2VjcmV0" || got["KeyId"] != arn {
			t.Errorf("%s: %q, %v", name, code, got)
		}
	}
	data, _ := call(t, k, "GenerateDataKey", object{"KeyId": id, "KeySpec": "AES_256"})
	got, code := call(t, k, "Decrypt", object{"CiphertextBlob": data["CiphertextBlob"]})
	if code != "" || got["Plaintext"] != data["Plaintext"] {
		t.Errorf("data key: %q, %v, want %v", code, got, data)
	}
}

// TestRestart opens the same state again, which is for root's eyes only.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	k := open(t, dir)
	id, arn := newKey(t, k)
	blob, err := k.Encrypt(id, []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	plain, err := again.Decrypt(blob, nil)
	if err != nil || string(plain) != "secret" {
		t.Errorf("after a restart: %q, %v", plain, err)
	}
	if got, enabled, customer, ok := again.Key(id); got != arn || !enabled || !customer || !ok {
		t.Errorf("Key = %s, %v, %v, %v", got, enabled, customer, ok)
	}
	if _, enabled, customer, ok := again.Key("alias/aws/ebs"); !enabled || customer || !ok {
		t.Errorf("managed key = %v, %v, %v", enabled, customer, ok)
	}
	if _, _, _, ok := again.Key("alias/none"); ok {
		t.Error("a key that is not there is told of")
	}
	answer, _ := call(t, again, "ListAliases", object{})
	if n := len(answer["Aliases"].([]any)); n != 2 {
		t.Errorf("%d aliases after a restart, want the two managed ones", n)
	}
	file, err := os.Stat(filepath.Join(dir, "kms.json"))
	if err != nil || file.Mode().Perm() != 0o600 {
		t.Errorf("key material: %v, %v", file.Mode(), err)
	}
}

func TestListAliases(t *testing.T) {
	k := open(t, t.TempDir())
	id, _ := newKey(t, k)
	for _, name := range []string{"alias/b", "alias/a"} {
		call(t, k, "CreateAlias", object{"AliasName": name, "TargetKeyId": id})
	}
	var names []string
	marker := object{"Limit": 1}
	for {
		answer, code := call(t, k, "ListAliases", marker)
		if code != "" {
			t.Fatal(code)
		}
		names = append(names, answer["Aliases"].([]any)[0].(object)["AliasName"].(string))
		if answer["Truncated"] != true {
			break
		}
		marker["Marker"] = answer["NextMarker"]
	}
	if want := []string{"alias/a", "alias/aws/ebs", "alias/aws/ssm", "alias/b"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	answer, _ := call(t, k, "ListAliases", object{"KeyId": id})
	if n := len(answer["Aliases"].([]any)); n != 2 {
		t.Errorf("%d aliases of the key, want 2", n)
	}
}

func TestChecks(t *testing.T) {
	k := open(t, t.TempDir())
	id, arn := newKey(t, k)
	blob, err := k.Encrypt(id, []byte("x"), map[string]string{"a": "b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		action string
		params object
		want   string // action, resource and an encryption context
	}{
		{"CreateKey", object{}, "kms:CreateKey * []"},
		{"ListAliases", object{}, "kms:ListAliases * []"},
		{"DescribeKey", object{"KeyId": id}, "kms:DescribeKey " + arn + " []"},
		{"Encrypt", object{"KeyId": id, "EncryptionContext": object{"a": "c"}}, "kms:Encrypt " + arn + " [c]"},
		{"Decrypt", object{"CiphertextBlob": blob, "EncryptionContext": object{"a": "b"}}, "kms:Decrypt " + arn + " [b]"},
		{"CreateAlias", object{"AliasName": "alias/a", "TargetKeyId": id},
			"kms:CreateAlias " + arn + " []; kms:CreateAlias arn:aws:kms:us-east-1:123456789012:alias/a []"},
		{"DescribeKey", object{"KeyId": "alias/none"}, ""},
		{"DescribeKey", object{"KeyId": "alias/aws/ssm"}, ""},
	} {
		text, err := json.Marshal(tt.params)
		if err != nil {
			t.Fatal(err)
		}
		checks, err := k.Checks(t.Context(), &wire.Call{Action: tt.action, JSON: text})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range checks {
			got = append(got, c.Action+" "+c.Resource+" ["+strings.Join(c.Context["kms:EncryptionContext:a"], ",")+"]")
		}
		if text := strings.Join(got, "; "); text != tt.want {
			t.Errorf("%s: got %q, want %q", tt.action, text, tt.want)
		}
	}
	via := k.Check("kms:Decrypt", id, nil, "ssm.us-east-1.amazonaws.com")
	if len(via) != 1 || via[0].Context["kms:ViaService"][0] != "ssm.us-east-1.amazonaws.com" {
		t.Errorf("via a service: %+v", via)
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add(bytes.Repeat([]byte{1}, 60))
	dir := f.TempDir()
	k, err := kms.Open(kms.Config{Dir: dir, Now: func() time.Time { return now }, Rand: rand.Reader})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		if plain, err := k.Decrypt(blob, nil); err == nil {
			t.Errorf("made-up ciphertext decrypts to %q", plain)
		}
	})
}
