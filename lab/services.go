package lab

import (
	"context"
	_ "embed"
	"time"

	"github.com/seed-77750964/regain/lab/iam"
	"github.com/seed-77750964/regain/lab/kms"
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
	lose    func(ctx context.Context, instance string) error
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

func (l *Lab) openServices(context.Context) error {
	keys, err := kms.Open(kms.Config{
		Dir: l.cfg.State, Partition: partition, Region: l.cfg.Region, Account: Account, Now: l.cfg.Now, Rand: l.cfg.Rand,
	})
	if err != nil {
		return err
	}
	for _, s := range []wire.Service{l.iam, l.iam.STS(), keys} {
		l.services[s.Name()] = s
	}
	return nil
}
