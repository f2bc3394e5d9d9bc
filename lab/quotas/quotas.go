// Package quotas is the lab's Service Quotas: the limits that its EC2 keeps, as one
// asks for them.
//
// It changes none and knows only those that the lab keeps.
package quotas

import (
	"context"
	"encoding/json"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// Quotas is the service.
type Quotas struct{ Account, Region string }

// A quota is a limit of the lab by the name that Service Quotas has for it.
type quota struct{ service, code, name, rule string }

// known are the quotas that the lab keeps.
var known = []quota{
	{"vpc", "L-F678F1CE", "VPCs per Region", "ec2.vpc.count"},
	{"ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", "ec2.address.count"},
}

// Name is the signing name.
func (*Quotas) Name() string { return "servicequotas" }

// Actions are the calls that are answered, sorted.
func (*Quotas) Actions() []string { return []string{"GetServiceQuota", "ListServiceQuotas"} }

// Checks are the questions to IAM that a call raises.
func (s *Quotas) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	p, err := read(c)
	if err != nil {
		return nil, err
	}
	resource := "*"
	if c.Action == "GetServiceQuota" {
		resource = s.arn(p.ServiceCode, p.QuotaCode)
	}
	return []wire.Check{{Action: "servicequotas:" + c.Action, Resource: resource}}, nil
}

// Do carries out a call.
func (s *Quotas) Do(_ context.Context, c *wire.Call) (any, error) {
	p, err := read(c)
	if err != nil {
		return nil, err
	}
	found := []item{}
	for _, q := range known {
		if q.service == p.ServiceCode && (c.Action != "GetServiceQuota" || q.code == p.QuotaCode) {
			found = append(found, s.item(q))
		}
	}
	switch {
	case c.Action == "ListServiceQuotas":
		return map[string][]item{"Quotas": found}, nil
	case c.Action != "GetServiceQuota":
		return nil, wire.Faultf("InvalidAction", "The action %s is not valid for this web service.", c.Action)
	case len(found) == 0:
		return nil, wire.Faultf("NoSuchResourceException", "The request failed because the specified quota does not exist.")
	}
	return map[string]item{"Quota": found[0]}, nil
}

type params struct{ ServiceCode, QuotaCode string }

func read(c *wire.Call) (params, error) {
	var p params
	if err := json.Unmarshal(c.JSON, &p); err != nil {
		return p, wire.Faultf("SerializationException", "The request is not JSON: %v", err)
	}
	if p.ServiceCode == "" || p.QuotaCode == "" && c.Action == "GetServiceQuota" {
		return p, wire.Faultf("ValidationException", "The service code and the quota code must be given.")
	}
	return p, nil
}

type item struct {
	ServiceCode, ServiceName, QuotaArn, QuotaCode, QuotaName, Unit string
	Value                                                          float64
	Adjustable, GlobalQuota                                        bool
}

func (s *Quotas) item(q quota) item {
	return item{
		ServiceCode: q.service, ServiceName: map[string]string{"vpc": "Amazon Virtual Private Cloud (Amazon VPC)", "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)"}[q.service],
		QuotaArn: s.arn(q.service, q.code), QuotaCode: q.code, QuotaName: q.name, Unit: "None", Value: float64(rules.LimitOf(q.rule)), Adjustable: true,
	}
}

func (s *Quotas) arn(service, code string) string {
	return "arn:aws:servicequotas:" + s.Region + ":" + s.Account + ":" + service + "/" + code
}
