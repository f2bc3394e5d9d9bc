package rescue

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// wishes is the key for each chosen user.
func (o *operation) wishes(x *exam) ([]access.Wish, error) {
	var options []sshkey.Option
	if o.r.Expires > 0 {
		option, err := sshkey.ExpiryOption(o.r.Now.Add(o.r.Expires), x.system.MatchContext().Version, x.system.MatchContext().Location)
		if errors.Is(err, sshkey.ErrNoExpiry) {
			return nil, &Refusal{Code: "no-expiry", Text: "the patient's sshd does not know keys that expire", Hint: "run again without --expires"}
		}
		if err != nil {
			return nil, fmt.Errorf("cannot let the key expire: %w", err)
		}
		options = append(options, option)
	}
	var list []access.Wish
	for _, u := range x.chosen {
		list = append(list, access.Wish{User: u, Key: o.key.Public(), Options: options, Run: o.r.Run, Revoke: o.r.Revoke, Repair: o.r.Repair})
	}
	return list, nil
}

// accepts tells whether sshd takes keys of this kind from every chosen user.
func (x *exam) accepts(algorithm string, bits int) bool {
	for _, u := range x.chosen {
		v, err := x.system.Judge(u.Name, sshkey.Public{Algorithm: algorithm, Bits: bits})
		refused := func(r sshd.Reason) bool {
			return r.Answer == offline.Denied && (r.ID == "linux/key-type" || r.ID == "linux/rsa-size")
		}
		if err != nil || slices.ContainsFunc(v.Reasons, refused) {
			return false
		}
	}
	return true
}
