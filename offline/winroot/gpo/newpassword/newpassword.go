// Package newpassword is the reset that needs neither a launch agent nor a key pair: a start-up script that gives the
// built-in administrator of a Windows a new password, encrypted to the operator's RSA public key, and the operator's side
// of it, which finds the answer in the console's output and decrypts it.
//
// # Format
//
// The script writes one block: lines of the form
//
//	<regain1:RUN:ATTEMPT:STATUS:N:COUNT:DATA:CHECK>
//
// where ATTEMPT is eight random hex digits that the lines of one block share, STATUS is sealed, disabled, domain-controller
// or failed, N counts lines from 1 to COUNT, and CHECK is the first eight hex digits of the SHA-1 of all between "<" and
// itself. White space within a line does not count. The DATA of all lines together is for sealed and disabled the base64 of
// RSA-OAEP (SHA-1, no label) of
//
//	RUN NUL user NUL password
//
// in UTF-8, for failed the stage and the kind of the error, and else nothing of interest. Where PowerShell did not run the
// script, its starter writes such a line of its own, whose stage is starter.
//
// The check finds accidents. It does not prove who wrote a block: an administrator of that Windows can write any.
//
// # What the script leaves
//
// The script puts gpt.ini and scripts.ini back if they are still what Install made of them, and deletes its own files. What
// stays is the new password and the copy of the block in ProgramData\regain. If somebody has changed scripts.ini meanwhile, so does a line in it that names a script which is gone, which
// Windows notes in its event log.
//
// No password counts before its block is on the disk beside the script, as regain-RUN.*.sealed. After a start that was cut
// short the script begins again, with another password; once one is set and regain-RUN.done says so, it only repeats the
// block and cleans up. Where neither the port nor the copy could be written it leaves everything in place and tries again
// at the next start. After a failure the sealed blocks stay: one of them may be that of an earlier start.
//
// The package runs nothing, and neither opens a volume nor asks a cloud.
package newpassword

import (
	"bytes"
	"crypto/rsa"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline/winroot/gpo"
)

//go:embed script.ps1.tmpl
var template string

// An Installation is what must be on the volume for the script to run at the next start: first the files, then the
// policy's, in the order that gpo.Add asks for.
type Installation struct {
	Files  []File
	Policy gpo.Policy
}

// A File is new on the volume. Only SYSTEM and the administrators may write it.
type File struct {
	Path string // relative to the root
	Data []byte
}

// ErrInstalled means that the run's script is in the policy already.
var ErrInstalled = errors.New("the start-up script is installed already")

// maxPolicy bounds what the script carries of each policy file: it puts back what was there before.
const maxPolicy = 64 << 10

var runID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,63}$`)

// Install makes the start-up script of a run and adds it to the policy as it was found.
func Install(run string, key *rsa.PublicKey, before gpo.Policy) (Installation, error) {
	if !runID.MatchString(run) {
		return Installation{}, fmt.Errorf("cannot make the start-up script: %q is not the id of a run", run)
	}
	if err := checkKey(key); err != nil {
		return Installation{}, fmt.Errorf("cannot make the start-up script: %w", err)
	}
	name := "regain-" + run
	after, err := gpo.Add(before, name+".cmd")
	switch {
	case err != nil:
		return Installation{}, err
	case bytes.Equal(after.Scripts, before.Scripts):
		return Installation{}, ErrInstalled
	}
	script, err := fill(run, key, before, after)
	if err != nil {
		return Installation{}, fmt.Errorf("cannot make the start-up script: %w", err)
	}
	return Installation{
		Files: []File{
			{gpo.StartupDir + "/" + name + ".ps1", script},
			{gpo.StartupDir + "/" + name + ".cmd", []byte(starter(name, run))},
		},
		Policy: after,
	}, nil
}

// starter is one line, since the script deletes it while it runs, and leaves the folder, since the script may delete that.
// Without an input that ends, PowerShell 2.0 waits for one. Where PowerShell did not run the script, which then is there and
// has left nothing beside it, the starter says so on the console.
func starter(name, run string) string {
	head := "regain1:" + run + ":00000000:" + string(Failed) + ":1:1:starter.PowerShell:"
	file := `"%~dp0` + name
	return `@cd /d "%SystemRoot%" & "%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -NonInteractive -ExecutionPolicy Bypass` +
		` -File ` + file + `.ps1" <nul & (if exist ` + file + `.ps1" if not exist ` + file + `.done" if not exist ` + file + `.*.sealed"` +
		` echo ^<` + head + check(head) + `^> >COM1) & exit` + "\r\n"
}

// harmless is what may stand between single quotes and in a comment: it says nothing to PowerShell.
var harmless = regexp.MustCompile(`^[0-9A-Za-z+/=-]+$`)

// fill puts the values in the template, each of them checked.
func fill(run string, key *rsa.PublicKey, before, after gpo.Policy) ([]byte, error) {
	values := map[string]string{
		"SCRIPTS_BEFORE": carried(before.Scripts),
		"SCRIPTS_AFTER":  carried(after.Scripts),
		"GPT_BEFORE":     carried(before.GPT),
		"GPT_AFTER":      carried(after.GPT),
		"MADE":           strconv.Itoa(min(max(before.Missing, 0), len(gpo.Dirs()))),
	}
	maps.Copy(values, identity(run, key))
	return substitute(values)
}

// identity are the values that tell one script from another, whatever volume it is on.
func identity(run string, key *rsa.PublicKey) map[string]string {
	return map[string]string{
		"RUN":      run,
		"MODULUS":  base64.StdEncoding.EncodeToString(key.N.Bytes()),
		"EXPONENT": base64.StdEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}

func substitute(values map[string]string) ([]byte, error) {
	var pairs []string
	for name, value := range values {
		if !harmless.MatchString(value) || len(value) > base64.StdEncoding.EncodedLen(maxPolicy+1024) {
			return nil, fmt.Errorf("its %s does not fit in a script", strings.ToLower(name))
		}
		pairs = append(pairs, "@"+name+"@", value)
	}
	script := strings.NewReplacer(pairs...).Replace(template)
	return []byte(strings.ReplaceAll(script, "\n", "\r\n")), nil
}

// carried is a file inside the script. An empty one counts as none: Windows reads the same from both.
func carried(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	return base64.StdEncoding.EncodeToString(b)
}

// checkKey wants a key that Windows of all versions can use.
func checkKey(key *rsa.PublicKey) error {
	switch {
	case key == nil || key.N == nil:
		return errors.New("no RSA key")
	case key.N.BitLen() < 2048 || key.N.BitLen() > 4096 || key.N.BitLen()%8 != 0:
		return fmt.Errorf("an RSA key of %d bits, which is not within 2048 and 4096", key.N.BitLen())
	case key.E < 3 || key.E%2 == 0 || key.E > 1<<31-1:
		return errors.New("an RSA key whose exponent is not an odd number of 32 bits")
	}
	return nil
}
