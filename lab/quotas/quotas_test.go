package quotas

import (
	"encoding/json"
	"testing"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

func TestGetServiceQuota(t *testing.T) {
	s := &Quotas{Account: "123456789012", Region: "us-east-1"}
	for name, tt := range map[string]struct {
		action, params, code string
		want                 float64
	}{
		"VPCs":         {"GetServiceQuota", `{"ServiceCode":"vpc","QuotaCode":"L-F678F1CE"}`, "", float64(rules.LimitOf("ec2.vpc.count"))},
		"addresses":    {"GetServiceQuota", `{"ServiceCode":"ec2","QuotaCode":"L-0263D0A3"}`, "", float64(rules.LimitOf("ec2.address.count"))},
		"none":         {"GetServiceQuota", `{"ServiceCode":"vpc","QuotaCode":"L-00000000"}`, "NoSuchResourceException", 0},
		"no code":      {"GetServiceQuota", `{"ServiceCode":"vpc"}`, "ValidationException", 0},
		"no JSON":      {"GetServiceQuota", `<xml/>`, "SerializationException", 0},
		"other action": {"RequestServiceQuotaIncrease", `{"ServiceCode":"vpc","QuotaCode":"L-F678F1CE"}`, "InvalidAction", 0},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := s.Do(t.Context(), &wire.Call{Action: tt.action, JSON: json.RawMessage(tt.params)})
			if tt.code != "" {
				if !wire.IsFault(err, tt.code) {
					t.Errorf("got %v, want %s", err, tt.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Quota struct{ Value float64 } }
			if err := json.Unmarshal(text, &got); err != nil || got.Quota.Value != tt.want {
				t.Errorf("got %s, %v, want %v", text, err, tt.want)
			}
		})
	}
}

func TestListAndChecks(t *testing.T) {
	s := &Quotas{Account: "123456789012", Region: "us-east-1"}
	c := &wire.Call{Action: "ListServiceQuotas", JSON: json.RawMessage(`{"ServiceCode":"vpc"}`)}
	answer, err := s.Do(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(answer); len(text) < 100 {
		t.Errorf("got %s", text)
	}
	for action, want := range map[string]string{
		"ListServiceQuotas": "*", "GetServiceQuota": "arn:aws:servicequotas:us-east-1:123456789012:vpc/L-F678F1CE",
	} {
		checks, err := s.Checks(t.Context(), &wire.Call{Action: action, JSON: json.RawMessage(`{"ServiceCode":"vpc","QuotaCode":"L-F678F1CE"}`)})
		if err != nil || len(checks) != 1 || checks[0].Resource != want || checks[0].Action != "servicequotas:"+action {
			t.Errorf("%s: got %+v, %v", action, checks, err)
		}
	}
	if _, err := s.Checks(t.Context(), &wire.Call{Action: "GetServiceQuota", JSON: json.RawMessage(`{}`)}); err == nil {
		t.Error("checked a call without parameters")
	}
}

// TestRules: the table of rules names the quotas that are known here.
func TestRules(t *testing.T) {
	have := map[string]rules.Rule{}
	for _, r := range rules.All() {
		have[r.ID] = r
	}
	for _, q := range known {
		if r, ok := have["quotas."+q.service+"."+q.code]; !ok || r.Value.String() != q.rule {
			t.Errorf("the rules say %v of %s", r, q.code)
		}
	}
}
