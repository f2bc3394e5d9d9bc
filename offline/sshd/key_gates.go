package sshd

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshd/conf"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// publicKey is whether sshd offers the method at all.
func (j *judge) publicKey() error {
	if v := j.world.First("pubkeyauthentication"); v.Text == "no" {
		j.refuseBy("linux/pubkey-authentication", v, "PubkeyAuthentication is no")
	}
	if v := j.world.First("maxauthtries"); v.Text != "" {
		if n, err := strconv.Atoi(v.Text); err == nil && n < 1 {
			j.refuseBy("linux/max-auth-tries", v, "MaxAuthTries %s leaves no attempt", v.Text)
		} else if err == nil && n < 3 && v.Origin != conf.FromDefault {
			j.note("linux/max-auth-tries", v.Path, v.Line, "MaxAuthTries %d: offer only this key (ssh -o IdentitiesOnly=yes)", n)
		}
	}
	return nil
}

// keyType is whether sshd takes signatures of this key (auth2-pubkey.c
// userauth_pubkey).
func (j *judge) keyType() error {
	if j.key.IsCertificate() {
		j.refuse("linux/key-type", "", 0, "the key is a certificate; only plain keys are judged")
		return nil
	}
	v := j.world.First("pubkeyacceptedalgorithms")
	accepted, err := j.world.Algorithms("pubkeyacceptedalgorithms")
	if err != nil {
		j.refuseBy("linux/key-type", v, "%v", err)
		return nil
	}
	has := func(name string) bool { return slices.Contains(accepted, name) }
	rsa := j.key.Algorithm == "ssh-rsa"
	switch {
	case rsa && has("rsa-sha2-512"):
	case rsa && has("rsa-sha2-256") && j.s.program.version.AtLeast(9, 6):
	case rsa && has("rsa-sha2-256"):
		j.doubt("linux/key-type", v.Path, v.Line, "RSA keys may sign with SHA-256 only, but this sshd tells clients that it takes SHA-512 too, which they prefer")
	case rsa && has("ssh-rsa"):
		j.doubt("linux/key-type", v.Path, v.Line, "RSA keys may sign with SHA-1 only, which clients since OpenSSH 8.8 do not")
	case !has(j.key.Algorithm):
		j.refuseBy("linux/key-type", v, "PubkeyAcceptedAlgorithms (%s) leaves out %s", v.Origin, j.key.Algorithm)
	}
	size := j.world.First("requiredrsasize")
	if least, err := strconv.Atoi(size.Text); rsa && err == nil && j.key.Bits < least {
		j.refuseBy("linux/rsa-size", size, "RequiredRSASize wants %d bits, the key has %d", least, j.key.Bits)
	}
	return nil
}

// revoked is whether RevokedKeys names the key. Where the file cannot be read or
// makes no sense, sshd refuses every key (auth.c auth_key_is_revoked).
func (j *judge) revoked() error {
	v := j.world.First("revokedkeys")
	if v.Text == "" || strings.EqualFold(v.Text, "none") || v.Text == "/dev/null" {
		return nil
	}
	data, err := j.s.v.ReadFile(v.Text, offline.MaxAccount)
	switch {
	case err == nil:
	case gone(err):
		j.refuse("linux/revoked-keys", v.Path, v.Line, "the file of RevokedKeys, %q, is missing: sshd then refuses every key", v.Text)
		return nil
	case errors.Is(err, offline.ErrNotRegular), errors.Is(err, offline.ErrTooLarge), errors.Is(err, offline.ErrAbsentVolume):
		j.doubt("linux/revoked-keys", v.Path, v.Line, "the file of RevokedKeys cannot be examined: %v", err)
		return nil
	default:
		return err
	}
	if isKRL(data) {
		listed, err := inKRL(data, j.key)
		if err != nil {
			j.doubt("linux/revoked-keys", v.Text, 0, "%v", err)
		} else if listed {
			j.refuse("linux/revoked-keys", v.Text, 0, "revokes the key")
		}
		return nil
	}
	j.revokedByList(v.Text, sshkey.Parse(data))
	return nil
}

// revokedByList reads a plain list of keys as authfile.c sshkey_in_file does: a
// line that is no key ends the reading with an error, and every key is refused.
func (j *judge) revokedByList(path string, list sshkey.File) {
	for _, l := range list.Lines {
		switch {
		case l.Kind == sshkey.Comment || l.Kind == sshkey.Blank && len(l.End) < 2:
		case l.Kind == sshkey.Key && len(l.Options) == 0 && l.Key.Equal(j.key):
			j.refuse("linux/revoked-keys", path, l.Number, "revokes the key")
			return
		case l.Kind == sshkey.Key && len(l.Options) == 0:
		default:
			j.refuse("linux/revoked-keys", path, l.Number, "the line is no plain key: sshd then refuses every key")
			return
		}
	}
}

// rootLogin is PermitRootLogin, which sshd asks of uid 0 under any name.
func (j *judge) rootLogin() error {
	if j.user.UID != 0 {
		return nil
	}
	v := j.world.First("permitrootlogin")
	switch v.Text {
	case "yes", "prohibit-password", "without-password":
		j.agree("linux/permit-root-login", v.Path, v.Line, "PermitRootLogin is %s", v.Text)
	case "forced-commands-only":
		if j.found.path != "" && j.found.forced == "" {
			j.refuseBy("linux/permit-root-login", v, "PermitRootLogin lets root in only with a forced command")
		}
	default:
		j.refuseBy("linux/permit-root-login", v, "PermitRootLogin is %s", v.Text)
	}
	return nil
}

// methods is whether the key alone satisfies AuthenticationMethods.
func (j *judge) methods() error {
	v := j.world.First("authenticationmethods")
	if len(v.Args) == 0 || slices.Equal(v.Args, []string{"any"}) || slices.Contains(v.Args, "publickey") {
		return nil
	}
	j.refuseBy("linux/authentication-methods", v, "AuthenticationMethods %q is not satisfied by a key alone", v.Text)
	return nil
}
