package lab

import (
	"context"
	_ "embed"
	"time"

	"github.com/seed-77750964/regain/lab/autoscaling"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/iam"
	"github.com/seed-77750964/regain/lab/kms"
	"github.com/seed-77750964/regain/lab/quotas"
	"github.com/seed-77750964/regain/lab/s3"
	"github.com/seed-77750964/regain/lab/ssm"
	"github.com/seed-77750964/regain/lab/windows"
	"github.com/seed-77750964/regain/lab/wire"
)

// helperPolicy is what the role of helpers may: be managed, and store a key.
//
//go:embed helper-policy.json
var helperPolicy []byte

// Operator is the user whose access key the owner of the lab has.
const Operator = "operator"

// Helper is the role, and instance profile, that helpers have.
const Helper = "regain-helper"

// parts are what the services add to the lab beside their answers.
type parts struct {
	loops   []func(context.Context) error
	closers []func(context.Context) error
	lose    func(instance string) error
}

// openIAM opens the principals. A fresh account has an operator, and a role for helpers
// that is as old as if an administrator had made it long ago.
func (l *Lab) openIAM() (err error) {
	l.iam, err = iam.Open(iam.Config{
		Dir: l.cfg.State, Partition: partition, Region: l.cfg.Region, Account: Account, Pace: l.cfg.pace(), Now: l.cfg.Now, Rand: l.cfg.Rand,
		Enforce: l.cfg.EnforceIAM,
	})
	if err != nil {
		return err
	}
	key, fresh, err := l.iam.EnsureUser(Operator)
	if err != nil {
		return err
	}
	if fresh {
		err = l.iam.PutRole(iam.Role{Name: Helper, Trust: iam.TrustService("ec2." + suffix), Rights: helperPolicy, Made: l.cfg.Now().Add(-24 * time.Hour)})
		if err != nil {
			return err
		}
	}
	return writeJSON(credentialsPath(l.cfg.State), Credentials{AccessKey: key.AccessKey, Secret: key.Secret, Region: l.cfg.Region})
}

// openServices opens the services in the order in which they need each other.
func (l *Lab) openServices(ctx context.Context) error {
	keys, err := kms.Open(kms.Config{
		Dir: l.cfg.State, Partition: partition, Region: l.cfg.Region, Account: Account, Now: l.cfg.Now, Rand: l.cfg.Rand,
	})
	if err != nil {
		return err
	}
	objects, err := s3.Open(s3.Config{
		Dir: l.cfg.State, Partition: partition, Region: l.cfg.Region, Account: Account, Now: l.cfg.Now, Rand: l.cfg.Rand,
	})
	if err != nil {
		return err
	}
	if err := objects.EnsureBucket("regain-" + Account + "-" + l.cfg.Region); err != nil {
		return err
	}
	host := l.cfg.Host
	if host != nil {
		l.windows = windows.New(host, windows.Options{Pace: l.cfg.pace(), Now: l.cfg.Now, Random: l.cfg.Rand})
		host = l.windows
	}
	l.ec2, err = ec2.Open(ctx, ec2.Config{
		Dir: l.cfg.State, Account: Account, Region: l.cfg.Region, Pace: l.cfg.pace(), Boot: l.cfg.Boot, Host: host,
		Roles: l.iam, Keys: keys, Now: l.cfg.Now, Random: l.cfg.Rand, API: l, APIAddress: l.cfg.Listen,
		Env: []string{"AWS_ENDPOINT_URL=http://" + l.cfg.Listen, "AWS_REGION=" + l.cfg.Region},
	})
	if err != nil {
		return err
	}
	systems, err := ssm.Open(ssm.Config{
		Dir: l.cfg.State, Partition: partition, Suffix: suffix, Region: l.cfg.Region, Account: Account, Public: publicParameters(),
		Now: l.cfg.Now, Rand: l.cfg.Rand, Pace: l.cfg.pace(), Keys: keys, Host: host, Fleet: fleet{l.ec2}, Roles: l.iam,
	})
	if err != nil {
		return err
	}
	l.groups, err = autoscaling.Open(autoscaling.Config{
		Dir: l.cfg.State, Account: Account, Region: l.cfg.Region, Pace: l.cfg.pace(), Now: l.cfg.Now, Random: l.cfg.Rand, Fleet: l.ec2,
	})
	if err != nil {
		return err
	}
	l.parts = parts{
		loops:   []func(context.Context) error{l.ec2.Run, systems.Run, l.groups.Run},
		closers: []func(context.Context) error{l.ec2.Close},
		lose:    l.ec2.Lose,
	}
	limits := &quotas.Quotas{Account: Account, Region: l.cfg.Region}
	for _, s := range []wire.Service{l.iam, l.iam.STS(), keys, objects, l.ec2, systems, l.groups, limits} {
		l.services[s.Name()] = s
	}
	return nil
}

// publicParameters are those of Amazon and Canonical that name images for helpers.
func publicParameters() map[string]string {
	values := map[string]string{}
	for arch, theirs := range map[string]string{"x86_64": "amd64", "arm64": "arm64"} {
		values["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"+arch] = ec2.HelperImage(arch)
		values["/aws/service/canonical/ubuntu/server/24.04/stable/current/"+theirs+"/hvm/ebs-gp3/ami-id"] = ec2.UbuntuImage(arch)
	}
	return values
}

// fleet shows EC2's instances to Systems Manager.
type fleet struct{ ec2 *ec2.EC2 }

func (f fleet) Instances() ([]ssm.Instance, error) {
	instances, err := f.ec2.Instances()
	if err != nil {
		return nil, err
	}
	var all []ssm.Instance
	for _, i := range instances {
		all = append(all, ssm.Instance{
			ID: i.ID, Agent: i.Helper, Up: i.Up, Ended: i.State == "shutting-down" || i.State == "terminated", Lost: i.Lost,
			Role: i.Role, Address: i.Address, Tags: i.Tags,
		})
	}
	return all, nil
}
