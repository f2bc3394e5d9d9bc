package sshkey_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/seed-77750964/regain/offline/sshkey"
)

const (
	lost  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f old@laptop"
	fresh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA new@laptop"
)

// A key is added on a line of its own even if the file does not end with a line break.
func ExampleFile_Append() {
	key, err := sshkey.ParsePublicInput([]byte(fresh))
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := sshkey.Parse([]byte(lost)).Append([]byte("# added by a rescue"), sshkey.FormatLine(nil, key, "rescue"))
	fmt.Printf("%s%v\n", f.Bytes(), err)
	// Output:
	// ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f old@laptop
	// # added by a rescue
	// ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA rescue
	// <nil>
}

// The first line that admits a key counts, and a forced command on it takes the place of the shell.
func ExampleFile_Match() {
	key, _ := sshkey.ParsePublicInput([]byte(fresh))
	f := sshkey.Parse([]byte("from=\"10.0.0.0/8\" " + fresh + "\ncommand=\"echo no shell here\" " + fresh + "\n" + fresh + "\n"))
	out := f.Match(key, sshkey.MatchContext{Now: time.Now(), Address: netip.MustParseAddr("192.0.2.7"), Host: "192.0.2.7"})
	fmt.Println(out.Verdict, "at line", out.Line, "forced:", out.Grants.Forced)
	for _, r := range out.Skipped {
		fmt.Println("line", r.Line, "skipped:", r.Text)
	}
	// Output:
	// accepted at line 2 forced: echo no shell here
	// line 1 skipped: from= does not admit this address: "10.0.0.0/8"
}

// What is not a public key is refused with a reason and a way out.
func ExampleParsePublicInput() {
	_, err := sshkey.ParsePublicInput([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n…"))
	fmt.Println(err)
	// Output:
	// cannot use public key: this is a private key, which must never leave its owner
}
