package ec2

import (
	"context"
	"encoding/base64"
	"strconv"
	"time"
)

type reservationItem struct {
	ID        string         `xml:"reservationId"`
	Owner     string         `xml:"ownerId"`
	Groups    []groupItem    `xml:"groupSet>item"`
	Instances []instanceItem `xml:"instancesSet>item"`
}

func (e *EC2) describeInstances(_ context.Context, r *request) (any, error) {
	q := r.query("InstanceId")
	if err := r.end(); err != nil {
		return nil, err
	}
	var answer struct {
		Reservations []*reservationItem `xml:"reservationSet>item"`
		NextToken    string             `xml:"nextToken,omitempty"`
	}
	err := e.look(func(a *account, now time.Time) error {
		found, next, err := choose(e, a, q, e.instanceListing(), now)
		by := map[string]*reservationItem{}
		for _, i := range found {
			r := by[i.Reservation]
			if r == nil {
				r = &reservationItem{ID: i.Reservation, Owner: e.Account}
				by[i.Reservation] = r
				answer.Reservations = append(answer.Reservations, r)
			}
			r.Instances = append(r.Instances, e.instanceItem(a, i))
		}
		answer.NextToken = next
		return err
	})
	return answer, err
}

func (e *EC2) instanceListing() listing[*instance] {
	return listing[*instance]{
		all: func(a *account) []*instance { return sorted(a.Instances) }, id: func(i *instance) string { return i.ID }, kind: instanceKind,
		fields: map[string]func(*account, *instance) []string{
			"instance-id":         func(_ *account, i *instance) []string { return one(i.ID) },
			"instance-state-name": func(_ *account, i *instance) []string { return one(i.State) },
			"instance-state-code": func(_ *account, i *instance) []string { return one(strconv.Itoa(stateCodes[i.State])) },
			"instance-type":       func(_ *account, i *instance) []string { return one(i.Type) },
			"instance-lifecycle":  func(_ *account, i *instance) []string { return optional(map[bool]string{true: "spot"}[i.Spot != ""]) },
			"image-id":            func(_ *account, i *instance) []string { return one(i.Image) },
			"architecture":        func(_ *account, i *instance) []string { return one(i.Arch) },
			"availability-zone":   func(_ *account, i *instance) []string { return one(i.Zone) },
			"client-token":        func(_ *account, i *instance) []string { return optional(i.Token) },
			"key-name":            func(_ *account, i *instance) []string { return optional(i.KeyName) },
			"platform":            func(_ *account, i *instance) []string { return optional(i.Platform) },
			"private-ip-address":  func(_ *account, i *instance) []string { return optional(i.Private) },
			"reservation-id":      func(_ *account, i *instance) []string { return one(i.Reservation) },
			"root-device-name":    func(_ *account, i *instance) []string { return optional(i.RootDevice) },
			"root-device-type": func(_ *account, i *instance) []string {
				return one(map[bool]string{true: "instance-store", false: "ebs"}[i.StoreRoot != ""])
			},
			"subnet-id":                func(_ *account, i *instance) []string { return optional(i.Subnet) },
			"vpc-id":                   func(_ *account, i *instance) []string { return optional(i.Vpc) },
			"instance.group-id":        func(_ *account, i *instance) []string { return i.Groups },
			"iam-instance-profile.arn": func(_ *account, i *instance) []string { return optional(i.Profile) },
			"ip-address": func(a *account, i *instance) []string {
				ip, _ := e.publicOf(a, i)
				return optional(ip)
			},
			"block-device-mapping.volume-id": func(a *account, i *instance) []string {
				var ids []string
				for _, v := range a.volumesOf(i) {
					ids = append(ids, v.ID)
				}
				return ids
			},
		},
	}
}

func optional(s string) []string {
	if s == "" {
		return nil
	}
	return one(s)
}

type statusItem struct {
	ID       string      `xml:"instanceId"`
	Zone     string      `xml:"availabilityZone"`
	State    stateItem   `xml:"instanceState"`
	System   checkedItem `xml:"systemStatus"`
	Instance checkedItem `xml:"instanceStatus"`
}

type checkedItem struct {
	Status  string        `xml:"status"`
	Details []checkDetail `xml:"details>item"`
}

type checkDetail struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

func (e *EC2) describeInstanceStatus(_ context.Context, r *request) (any, error) {
	all := r.Bool("IncludeAllInstances")
	wanted := e.instanceListing().only(func(i *instance) bool { return all || i.State == running })
	return describe(e, r, "InstanceId", "instanceStatusSet", wanted, e.statusItem)
}

// statusItem: the checks of a running instance take a while, and there are none of
// any other.
func (e *EC2) statusItem(_ *account, i *instance, now time.Time) statusItem {
	checked := checkedItem{Status: "not-applicable"}
	switch {
	case i.State != running:
	case now.Before(e.after(i.Ran, "ec2.instance.checks")):
		checked = checkedItem{"initializing", []checkDetail{{"reachability", "initializing"}}}
	default:
		checked = checkedItem{"ok", []checkDetail{{"reachability", "passed"}}}
	}
	return statusItem{i.ID, i.Zone, stateOf(i.State), checked, checked}
}

func (e *EC2) getConsoleOutput(_ context.Context, r *request) (any, error) {
	id := r.Require("InstanceId")
	r.Bool("Latest")
	if err := r.end(); err != nil {
		return nil, err
	}
	var answer struct {
		InstanceID string `xml:"instanceId"`
		Timestamp  string `xml:"timestamp"`
		Output     string `xml:"output"`
	}
	return &answer, e.look(func(a *account, now time.Time) error {
		i, err := a.instance(id)
		if err != nil {
			return err
		}
		answer.InstanceID, answer.Timestamp = id, stamp(now)
		if e.hasMachine(i) {
			answer.Output = base64.StdEncoding.EncodeToString([]byte(e.Host.Console(id)))
		}
		return nil
	})
}
