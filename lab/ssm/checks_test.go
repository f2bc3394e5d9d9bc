package ssm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/lab/ssm"
)

func newKey(t *testing.T, w *world) string {
	t.Helper()
	answer, err := w.keys.Do(t.Context(), w.request("CreateKey", object{}))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", answer)
	_, rest, _ := strings.Cut(text, "KeyID:")
	return strings.Fields(rest)[0]
}

func setKey(t *testing.T, w *world, action, id string) {
	t.Helper()
	if _, err := w.keys.Do(t.Context(), w.request(action, object{"KeyId": id})); err != nil {
		t.Fatal(err)
	}
}

// TestParameterChecks is what IAM is asked about parameters.
func TestParameterChecks(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	id := newKey(t, w)
	arn, _, _, _ := w.keys.Key(id)
	w.must(s, "PutParameter", put("/a/b", "x", object{"Type": "SecureString", "KeyId": id, "Tags": []object{{"Key": "run", "Value": "r1"}}}))
	w.must(s, "PutParameter", put("/c", "x", object{"Type": "SecureString"}))
	ab, public := "arn:aws:ssm:us-east-1:123456789012:parameter/a/b", "arn:aws:ssm:us-east-1::parameter/aws/service/ami"
	for name, tt := range map[string]struct {
		action string
		params object
		want   []string
	}{
		"get":                    {"GetParameter", object{"Name": "/a/b"}, []string{"ssm:GetParameter " + ab}},
		"get a version":          {"GetParameter", object{"Name": "/a/b:1"}, []string{"ssm:GetParameter " + ab}},
		"get in clear":           {"GetParameter", object{"Name": "/a/b", "WithDecryption": true}, []string{"ssm:GetParameter " + ab, "kms:Decrypt " + arn}},
		"get with a managed key": {"GetParameters", object{"Names": []string{"/c"}, "WithDecryption": true}, []string{"ssm:GetParameters arn:aws:ssm:us-east-1:123456789012:parameter/c"}},
		"get a public one":       {"GetParameter", object{"Name": "/aws/service/ami"}, []string{"ssm:GetParameter " + public}},
		"history":                {"GetParameterHistory", object{"Name": "/a/b", "WithDecryption": true}, []string{"ssm:GetParameterHistory " + ab, "kms:Decrypt " + arn}},
		"put":                    {"PutParameter", put("/n", "x"), []string{"ssm:PutParameter arn:aws:ssm:us-east-1:123456789012:parameter/n"}},
		"put a secret":           {"PutParameter", put("/a/b", "x", object{"Type": "SecureString", "KeyId": id}), []string{"ssm:PutParameter " + ab, "kms:Encrypt " + arn}},
		"put a long secret": {"PutParameter", put("/a/b", "x", object{"Type": "", "KeyId": id, "Tier": "Advanced"}),
			[]string{"ssm:PutParameter " + ab, "kms:GenerateDataKey " + arn}},
		"put with tags": {"PutParameter", put("/a/b", "x", object{"Type": "SecureString", "Tags": []object{{"Key": "run", "Value": "r2"}}}),
			[]string{"ssm:PutParameter " + ab, "ssm:AddTagsToResource " + ab}},
		"delete":    {"DeleteParameter", object{"Name": "/a/b"}, []string{"ssm:DeleteParameter " + ab}},
		"delete n":  {"DeleteParameters", object{"Names": []string{"/a/b"}}, []string{"ssm:DeleteParameters " + ab}},
		"tag":       {"AddTagsToResource", object{"ResourceType": "Parameter", "ResourceId": "/a/b"}, []string{"ssm:AddTagsToResource " + ab}},
		"list tags": {"ListTagsForResource", object{"ResourceType": "Parameter", "ResourceId": "/a/b"}, []string{"ssm:ListTagsForResource " + ab}},
		"describe":  {"DescribeParameters", object{}, []string{"ssm:DescribeParameters *"}},
	} {
		t.Run(name, func(t *testing.T) {
			checks, err := s.Checks(t.Context(), w.request(tt.action, tt.params))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range checks {
				got = append(got, c.Action+" "+c.Resource)
				if via := c.Context["kms:ViaService"]; strings.HasPrefix(c.Action, "kms:") &&
					(!slices.Equal(via, []string{"ssm.us-east-1.amazonaws.com"}) || c.Context["kms:EncryptionContext:PARAMETER_ARN"][0] != ab) {
					t.Errorf("context of %s: %v", c.Action, c.Context)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	checkPutContext(t, w, s)
}

func checkPutContext(t *testing.T, w *world, s *ssm.SSM) {
	t.Helper()
	for overwrite, want := range map[bool]string{false: "false", true: "true"} {
		params := put("/a/b", "x", object{"Overwrite": overwrite, "Tags": []object{{"Key": "k", "Value": "v"}}})
		checks, err := s.Checks(t.Context(), w.request("PutParameter", params))
		if err != nil {
			t.Fatal(err)
		}
		about := checks[0].Context
		if about["ssm:Overwrite"][0] != want || about["ssm:resourceTag/run"][0] != "r1" || about["aws:RequestTag/k"][0] != "v" || about["aws:TagKeys"][0] != "k" {
			t.Errorf("overwrite %v: %v", overwrite, about)
		}
	}
}
