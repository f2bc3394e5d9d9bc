package controller

import (
	"bytes"
	"errors"
	"regexp"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

// A sign is something that a console shows of why there is no password.
type sign struct {
	line *regexp.Regexp
	says string
}

// signs are lines of the launch agents, in the order in which they are told.
// EC2 User Guide, "Common messages for Windows instances"; the facts about v1
// come from reading that agent.
var signs = []sign{
	{regexp.MustCompile(`(?i)Ec2SetPassword: *Disabled`), "EC2Config was not asked for a password: Ec2SetPassword is Disabled"},
	{regexp.MustCompile(`(?i)Run-once already exists`), "EC2Launch v2 does not take this start for its first, and sets no password"},
	{regexp.MustCompile(`(?i)waiting for (the )?meta-?data`), "the agent waits for the metadata service: is it on, and does the instance reach it?"},
	{regexp.MustCompile(`(?i)failed to get metadata|unable to (get|send|encrypt) .*(public.?key|password)`),
		"the agent has not got the public key of the key pair: the password may be changed, and known to nobody; the backup has the old one"},
	{regexp.MustCompile(`(?i)password is not sent|unable to open .*port|COM1`), "the agent could not use the serial port, which the password goes by: is EMS or SAC on?"},
	{regexp.MustCompile(`(?i)Launch: EC2 ?Launch v[12]|EC2 ?Agent: Ec2Config`), "the launch agent has started"},
	{regexp.MustCompile(`(?i)</Password>`), "an agent has told a password to the console, which EC2 has not taken up yet: ask again"},
	{regexp.MustCompile(`(?i)Windows is Ready`), "Windows is ready, and the agent is done with what it was asked: it was asked for no password, or the instance has been started once more since"},
}

// copyOfBlock is where the password is if the console was busy.
const copyOfBlock = `C:\ProgramData\regain has it in a file, encrypted, which regain password --block opens`

// tellScript is what a console shows of a start-up script that was not taken for the
// one of the runs, or did not come through. Then what launch agents say is not about
// the password.
func tellScript(console []byte, runs []string, script bool) []string {
	if slices.ContainsFunc(runs, func(run string) bool {
		_, err := newpassword.ParseBlock(console, run)
		return errors.Is(err, newpassword.ErrTorn)
	}) {
		return []string{"the start-up script has told a password, and it did not come through whole: " + copyOfBlock}
	}
	if other, err := newpassword.ParseBlock(console, ""); err == nil && !slices.Contains(runs, other.Run) {
		return []string{"the start-up script of run " + other.Run + " has told a password: if that is the reset's, say --run " + other.Run}
	}
	if script && len(bytes.TrimSpace(console)) > 0 {
		return []string{"the console has nothing of the start-up script: it has not run yet, or may not run, or another program has the console: then " + copyOfBlock}
	}
	return nil
}

// tellConsole is what a console shows of why there is no password, with the line
// that shows it. What the instance writes is not trusted: it is quoted.
func tellConsole(console []byte) []string {
	if len(bytes.TrimSpace(console)) == 0 {
		return []string{"the console is empty: it is filled some minutes after the start, or the instance does not boot"}
	}
	var told []string
	for _, s := range signs {
		var last []byte
		for line := range bytes.Lines(console) {
			if s.line.Match(line) {
				last = bytes.TrimSpace(line)
			}
		}
		if last != nil {
			told = append(told, s.says+": "+offline.Printable(shorten(string(last))))
		}
	}
	if told == nil {
		return []string{"the console has no line of a launch agent: it is not there, its service is disabled, or it has not started yet"}
	}
	return told
}
