package controller

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/controller/policy"
)

// gatherPermissions works out what the rescue will ask for, and has it
// simulated: first what many rescues ask for alike and one answer serves, then
// what is about this instance.
func gatherPermissions(ctx context.Context, _ *Controller, cloud Cloud, s *situation) error {
	s.needed = policy.Needed(s.target())
	var alike, own []Permission
	for _, p := range s.needed {
		if s.isOwn(p) {
			own = append(own, p)
		} else {
			alike = append(alike, p)
		}
	}
	for _, asked := range [][]Permission{alike, own} {
		denied, err := cloud.Simulate(ctx, s.caller, s.here(asked))
		if is(err, Denied) || is(err, Invalid) || is(err, NotFound) {
			s.unsimulated = err
			return nil
		}
		if err != nil {
			return err
		}
		s.denied = append(s.denied, denied...)
	}
	return nil
}

// here adds what policies commonly go by and every call tells. IAM is global.
func (s *situation) here(asked []Permission) []Permission {
	told := slices.Clone(asked)
	for n, p := range told {
		if strings.HasPrefix(p.Action, "iam:") {
			continue
		}
		told[n].Context = maps.Clone(p.Context)
		if told[n].Context == nil {
			told[n].Context = map[string]string{}
		}
		told[n].Context["aws:RequestedRegion"] = s.caller.Region
	}
	return told
}

// isOwn tells whether a permission is about this instance and no other.
func (s *situation) isOwn(p Permission) bool {
	return strings.Contains(p.Resource, s.was.Instance.ID) || s.was.Root.Volume != "" && strings.Contains(p.Resource, s.was.Root.Volume)
}

// noID stands for what could not be found, so that the other permissions can be
// simulated.
const noID = "00000000000000000"

// target is the rescue, as far as permissions go.
func (s *situation) target() policy.Target {
	t := policy.Target{
		Partition: s.caller.Partition, Region: s.caller.Region, Account: s.caller.Account,
		Instance: s.was.Instance.ID, Volume: cmp.Or(s.was.Root.Volume, "vol-"+noID), InstanceTags: s.was.Instance.Tags,
		Subnet: s.place.Subnet, Image: cmp.Or(s.place.AMI, "ami-"+noID), RoleARN: s.profile.Role, Profile: s.ask.Profile,
		Features: policy.Features{
			Image: s.ask.Backup == BackupAMI, Snapshot: s.ask.Backup == BackupSnapshot, NewVPC: s.place.New,
			ControllerKeys: s.ask.Keys == KeysController, Delivery: !s.ask.Installed, Windows: s.windows(),
		},
	}
	for _, k := range s.keys {
		if !k.Managed {
			t.KMSKeys = append(t.KMSKeys, k.ARN)
		}
	}
	if !s.ask.Installed {
		t.Bucket = deliveryBucket(s.ask, s.caller)
	}
	if s.ask.Keys == KeysController {
		t.Parameter = parameterName(s.was.Instance.ID)
		if s.secretKey != nil && !s.secretKey.Managed {
			t.ParameterKey = s.secretKey.ARN
		}
	}
	if s.leavesService() {
		t.Group, t.Features.Groups = s.was.Group.Name, true
	}
	t.Features.OwnKeys = len(t.KMSKeys) > 0 || t.ParameterKey != ""
	return t
}

// leavesService tells whether the instance is put in standby for the rescue.
func (s *situation) leavesService() bool {
	return s.was.Group != nil && s.was.Group.Lifecycle == "InService" && s.stops()
}

// grantedBy names the statements of the shipped policy that grant an action.
func grantedBy(action string) string {
	sids := policy.GrantedBy(action)
	if len(sids) == 0 {
		return ""
	}
	return "; of what regain policy controller prints, the statement " + strings.Join(sids, " or ") + " grants it"
}
