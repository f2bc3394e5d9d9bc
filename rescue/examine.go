package rescue

import (
	"fmt"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/linuxroot"
	"github.com/seed-77750964/regain/offline/sshd"
)

// exam is what one look at the tree has found.
type exam struct {
	tree   *Tree
	os     offline.OS
	args   linuxroot.Args
	system *sshd.System
	users  []offline.User // candidates, the chosen ones marked
	chosen []account.User
}

// examine reads the system: nothing is written.
func examine(tree *Tree, r Request) (*exam, error) {
	x := &exam{tree: tree}
	v := tree.Volume
	var err error
	if x.os, err = linuxroot.ReadOS(v); err != nil {
		return nil, err
	}
	var problems []linuxroot.Problem
	x.args, problems = linuxroot.KernelArgs(v)
	tree.Problems = append(tree.Problems, problems...)
	x.system, err = sshd.Load(v, sshd.LoadOptions{KernelArgs: x.args.Raw, Now: r.Now, Stops: x.args.Stops()})
	if err != nil {
		return nil, fmt.Errorf("cannot read how the system logs people in: %w", err)
	}
	x.os.SSHD = offline.Printable(x.system.Version().Raw)
	return x, x.pickUsers(r)
}

func (x *exam) pickUsers(r Request) error {
	v := x.tree.Volume
	cloud, problems := linuxroot.ReadCloudConfig(v)
	x.tree.Problems = append(x.tree.Problems, problems...)
	if touches := cloud.TouchesKeys(r.Instance); touches != "" && (r.Instance != "" || cloud.InstanceID != "") {
		x.tree.Warnings = append(x.tree.Warnings, offline.Printable(touches))
	}
	facts := linuxroot.Facts{
		Accounts: x.system.Accounts(), OS: x.os, Cloud: cloud, KeyName: r.KeyName,
		RootLogin: x.system.RootLogin(), KeyFiles: x.keyFiles,
	}
	var err error
	if len(r.Users) == 0 {
		x.users = linuxroot.LoginUsers(v, facts)
		if len(x.users) == 0 {
			return &Refusal{Code: "no-login-user", Text: "no user found who may log in", Hint: "name one with --user"}
		}
	} else if x.users, err = linuxroot.PickUsers(v, facts, r.Users); err != nil {
		return &Refusal{Code: "unknown-user", Text: err.Error()}
	}
	for _, u := range x.users {
		if !u.Chosen {
			continue
		}
		full, err := x.system.Accounts().User(u.Name)
		if err != nil {
			return fmt.Errorf("cannot use the account %q: %w", u.Name, err)
		}
		x.chosen = append(x.chosen, full)
	}
	return nil
}

// keyFiles are the files that sshd reads for a user.
func (x *exam) keyFiles(u account.User) []string {
	paths, err := x.system.KeyPaths(u.Name)
	if err != nil {
		return nil
	}
	var files []string
	for _, p := range paths {
		files = append(files, p.Path)
	}
	return files
}

// fips tells whether the system is in FIPS mode, by any of its markers.
func (x *exam) fips() bool {
	if x.args.FIPS == linuxroot.On {
		return true
	}
	_, err := x.tree.Volume.Stat("/etc/system-fips")
	return err == nil
}
