package main

import "github.com/seed-77750964/regain/offline"

// onServer is what all reports on one Windows share.
func onServer(command string, outcome offline.Outcome) offline.Report {
	again := offline.Finding{ID: "windows/runs-again", Severity: offline.Warning, Path: "/ProgramData/Amazon/EC2Launch", Title: "this runs at the next start, too"}
	first, second := again, again
	first.Evidence, second.Evidence = "preReady activateWindows", "postReady executeScript batch"
	return offline.Report{
		Schema: offline.Schema, Run: "20261122T155300Z-3fa2c1", Command: command, Outcome: outcome, Instance: "i-0123456789abcdef0",
		OS:          offline.OS{Family: "windows", ID: "windows-server-2022", Name: "Windows Server 2022 Datacenter", Arch: "amd64"},
		Filesystems: []offline.Filesystem{{Device: "disk.raw", Partition: 1, Type: "ntfs", Size: 32 << 30, Role: "root", Mountpoint: "/"}},
		Findings:    []offline.Finding{first, second},
		Windows: &offline.Windows{
			Agent: "ec2launch-v2", Version: "2.0.1981", Why: []string{"it is the only one of the launch agents that start with Windows"},
			Agents: []offline.WindowsAgent{{Agent: "ec2launch-v2", Installed: true, Why: []string{"the mark of an earlier run is there"}}, {Agent: "ec2launch-v1"}},
		},
	}
}

func planned() offline.Report {
	r := onServer("rescue", offline.Unchanged)
	r.DryRun = true
	r.Changes = []offline.ChangeSummary{{
		Path: "/ProgramData/Amazon/EC2Launch/state/.run-once", Action: "remove", Why: "so that the agent takes the next start for its first",
		Diff: "kind /ProgramData/Amazon/EC2Launch/state/.run-once: file -> absent\n",
	}}
	return r
}

func armed() offline.Report {
	r := planned()
	r.DryRun, r.Outcome = false, offline.Rescued
	r.Windows.Armed, r.Windows.Agents[0].Armed = []string{"ec2launch-v2"}, true
	r.Login = []string{"regain password i-0123456789abcdef0 --key KEY", "regain-agent undo --image disk.raw --run 20261122T155300Z-3fa2c1"}
	return r
}

func unarmed() offline.Report { return onServer("diagnose", offline.Unchanged) }

func notArmed() offline.Report {
	r := onServer("rescue", offline.Refused)
	r.Findings = append(r.Findings, offline.Finding{
		ID: "windows/sysprep", Severity: offline.Blocks, Path: "/ProgramData/Amazon/EC2Launch", Title: "sysprep would run again and generalise the machine",
		Evidence: "the agent's settings run sysprep: postReady sysprep", Hint: "take it out of the agent's settings or the user data first", Consent: "--accept windows/sysprep",
	})
	r.Error = &offline.Problem{Code: "arming-refused", Message: "m", Hint: "h"}
	return r
}
