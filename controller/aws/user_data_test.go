package aws

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
)

func TestKeyPair(t *testing.T) {
	item := func(name, kind string) string {
		return "<item><keyPairId>key-1</keyPairId><keyFingerprint>1f:51</keyFingerprint><keyName>" + name + "</keyName><keyType>" + kind + "</keyType></item>"
	}
	s, cloud := newServer(t, map[string][]answer{"DescribeKeyPairs": ok(
		"<DescribeKeyPairsResponse><keySet>"+item("team2", "ed25519")+item("team*", "rsa")+"</keySet></DescribeKeyPairsResponse>",
		"<DescribeKeyPairsResponse><keySet/></DescribeKeyPairsResponse>",
	)})
	got, err := cloud.KeyPair(t.Context(), "team*")
	if want := (controller.KeyPair{Name: "team*", Type: "rsa", Fingerprint: "1f:51"}); got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	s.one("DescribeKeyPairs").want(t, map[string]string{"Filter.1.Name": "key-name", "Filter.1.Value.1": "team*"})
	_, err = cloud.KeyPair(t.Context(), "gone")
	if failed := (*controller.CloudError)(nil); !errors.As(err, &failed) || failed.Kind != controller.NotFound {
		t.Errorf("a key pair that is not there: %v", err)
	}
}

func TestUserData(t *testing.T) {
	body := func(value string) string {
		return "<DescribeInstanceAttributeResponse><instanceId>i-1</instanceId><userData>" + value + "</userData></DescribeInstanceAttributeResponse>"
	}
	for name, tt := range map[string]struct{ value, want string }{
		"none":    {"", ""},
		"empty":   {"<value></value>", ""},
		"a batch": {"<value>PHNjcmlwdD5kaXI8L3NjcmlwdD4=</value>", "<script>dir</script>"},
	} {
		s, cloud := newServer(t, map[string][]answer{"DescribeInstanceAttribute": ok(body(tt.value))})
		got, err := cloud.UserData(t.Context(), "i-1")
		if string(got) != tt.want || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		s.one("DescribeInstanceAttribute").want(t, map[string]string{"Attribute": "userData", "InstanceId": "i-1"})
	}
	_, cloud := newServer(t, map[string][]answer{"DescribeInstanceAttribute": ok(body("<value>secret!</value>"))})
	if _, err := cloud.UserData(t.Context(), "i-1"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("what is not base64: %v", err)
	}
	_, cloud = newServer(t, map[string][]answer{"DescribeInstanceAttribute": {{status: http.StatusForbidden,
		body: "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>"}}})
	if _, err := cloud.UserData(t.Context(), "i-1"); err == nil {
		t.Error("a denial is no user data")
	}
}

// TestMetadata reads what tells whether an agent can ask for the public key.
func TestMetadata(t *testing.T) {
	for name, tt := range map[string]struct {
		xml              string
		off, tokens, tpm bool
	}{
		"nothing said": {"", false, false, false},
		"as it was":    {"<metadataOptions><httpTokens>optional</httpTokens><httpEndpoint>enabled</httpEndpoint></metadataOptions>", false, false, false},
		"IMDSv2":       {"<metadataOptions><httpTokens>required</httpTokens><httpEndpoint>enabled</httpEndpoint></metadataOptions>", false, true, false},
		"off, TPM":     {"<metadataOptions><httpEndpoint>disabled</httpEndpoint></metadataOptions><tpmSupport>v2.0</tpmSupport>", true, false, true},
	} {
		_, cloud := newServer(t, map[string][]answer{"DescribeInstances": ok(reservations("", "<instanceId>i-1</instanceId>"+tt.xml))})
		got, err := cloud.Instances(t.Context(), "i-1")
		if err != nil || len(got) != 1 || got[0].MetadataOff != tt.off || got[0].MetadataTokens != tt.tokens || got[0].TPM != tt.tpm {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
