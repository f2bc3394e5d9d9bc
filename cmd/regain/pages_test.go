package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/policy"
	"github.com/seed-77750964/regain/offline"
)

var update = flag.Bool("update", false, "write the golden files")

func samplePlan() controller.Plan {
	return controller.Plan{
		Original: controller.Original{
			Instance: controller.Instance{
				ID: "i-0123456789abcdef0", State: "running", Type: "t3.small", Architecture: "x86_64", Zone: "us-east-1a",
				Tags: map[string]string{"Name": "web \x1b[2J"},
			},
			Root:   controller.Device{Name: "/dev/xvda", Volume: "vol-0123456789abcdef0"},
			Volume: controller.Volume{ID: "vol-0123456789abcdef0", GiB: 8, Encrypted: true},
		},
		Place: controller.Place{Subnet: "subnet-1", Zone: "us-east-1a", AMI: "ami-1", Type: "t3.medium", Why: "the instance's own subnet reaches Systems Manager"},
		Risks: []controller.Risk{
			{ID: "public-ip-change", Title: "The public IP address will change", Detail: "203.0.113.7 is not an Elastic IP.", Flag: "--accept-ip-change"},
			{ID: "stop-protection", Title: "Stop protection is on", Detail: "It is lifted, and put back.", Flag: "--lift-stop-protection", Accepted: true},
			{ID: "parameter-exists", Title: "There is a key already", Detail: "It gets a new version.", Note: true},
		},
		Steps:       []string{"launch a helper", "stop the instance"},
		Permissions: []policy.Permission{{Action: "ec2:StopInstances", Resource: "a"}, {Action: "ec2:StopInstances", Resource: "b"}, {Action: "ec2:StartInstances", Resource: "a"}},
		Downtime:    95 * time.Second,
	}
}

func sampleOutcome() controller.Outcome {
	return controller.Outcome{
		Run: "20261122T155300Z-3fa2c1", Instance: "i-0123456789abcdef0", State: controller.StateRescued, Downtime: 63 * time.Second,
		Login: []string{"regain key i-0123456789abcdef0", "ssh -i i-0123456789abcdef0.key admin@203.0.113.7"},
		Rescue: controller.Rescue{
			Result: &controller.Result{Outcome: offline.Rescued, Report: &offline.Report{
				Verdicts: []offline.Verdict{{User: "admin", Before: offline.Denied, After: offline.Accepted}},
				Changes:  []offline.ChangeSummary{{Path: "/home/admin/.ssh/authorized_keys", Action: "edit", Why: "let the new key in"}},
				Key:      &offline.Key{Type: "ssh-ed25519", Fingerprint: "SHA256:abc", Parameter: "/ec2rl/openssh/i-0123456789abcdef0/key", Version: 2},
			}},
			Verified: controller.Verification{State: "proven", Detail: "sshd let admin in"},
			Kept:     []controller.Kept{{What: "backup ami-1", Remove: "aws ec2 deregister-image --image-id ami-1"}},
			Warnings: []string{"the backup is still being written"},
		},
	}
}

// Golden pages are read by people: look at them when they change.
func TestPages(t *testing.T) {
	accepted := samplePlan()
	accepted.Risks = accepted.Risks[1:]
	notHome := sampleOutcome()
	notHome.State, notHome.Step, notHome.Err = controller.StateNotHome, "detach", errors.New("x")
	notHome.Error, notHome.Login, notHome.Rescue.Kept = "ec2:AttachVolume: IncorrectState: volume is detaching", nil, nil
	refused := controller.Outcome{
		Run: "20261122T155300Z-3fa2c1", Instance: "i-0123456789abcdef0", State: controller.StateTakenBack, Step: "rescue", Error: "rescue: the agent refused",
		Rescue: controller.Rescue{Result: &controller.Result{
			Problem: &offline.Problem{Code: "login-refused", Message: "m", Hint: "see the findings"},
			Report: &offline.Report{Findings: []offline.Finding{
				{ID: "linux/nologin", Severity: offline.Blocks, Title: "Nobody but root may log in", Evidence: "/etc/nologin", Consent: "--repair linux/nologin"},
				{ID: "linux/x", Severity: offline.Warning, Title: "never shown"},
			}},
		}},
	}
	status := controller.Status{
		Run: "20261122T155300Z-3fa2c1", Instance: "i-0123456789abcdef0", Owner: "ann@box", Began: began, Way: "not-home", Step: "detach",
		Error: "IncorrectState", Made: []string{"i-0fedcba9876543210", "ami-1"},
	}
	home := controller.Status{
		Run: "r2", Instance: "i-2", Way: "home", Outcome: "rescued",
		Kept: []controller.Kept{{What: "backup ami-2", Remove: "aws ec2 deregister-image --image-id ami-2 --delete-associated-snapshots"}},
	}
	armed := sampleOutcome()
	armed.Login = []string{"regain password i-0123456789abcdef0 --key FILE"}
	armed.Rescue.Original = &controller.Original{Instance: controller.Instance{Platform: controller.Windows}}
	armed.Rescue.Verified = controller.Verification{State: controller.Skipped, Detail: "the new password proves itself when it comes: regain password"}
	armed.Rescue.Result.Report = &offline.Report{
		Windows: &offline.Windows{Agent: "ec2launch-v2", Version: "2.0.1881", Armed: []string{"ec2launch-v2"}, Warnings: []string{"the once-tasks run again"}},
		Changes: []offline.ChangeSummary{{Path: "/ProgramData/Amazon/EC2Launch/state/.run-once", Action: "remove", Why: "the agent runs once more"}},
	}
	toStart := armed
	toStart.Rescue.Original = &controller.Original{Instance: controller.Instance{Platform: controller.Windows, State: controller.Stopped}}
	const why = "more than one program would set a password: ec2launch-v2 and ec2launch-v1"
	unarmed := refused
	unarmed.Error = "rescue: the agent says: " + why + " (run again with --accept windows/agents-armed)"
	unarmed.Rescue.Result = &controller.Result{
		Problem: &offline.Problem{Code: "arming-refused", Message: why, Hint: "run again with --accept windows/agents-armed"},
		Report: &offline.Report{Findings: []offline.Finding{{
			ID: "windows/agents-armed", Severity: offline.Blocks, Title: "more than one program would set a password", Evidence: "ec2launch-v2 and ec2launch-v1",
			Hint: "name the agent to use (--windows-agent)", Consent: "--accept windows/agents-armed",
		}}},
	}
	scripted := armed
	scripted.Rescue.Result = &controller.Result{Outcome: offline.Rescued, Report: &offline.Report{
		Windows: &offline.Windows{Agent: "startup-script", Armed: []string{"startup-script"}, Run: "20261122T155300Z-3fa2c1-1"},
	}}
	gone := refused
	gone.Error, gone.Rescue = "somebody has terminated the instance: there is nothing left to rescue", controller.Rescue{Gone: true}
	left := refused
	left.Rescue.Left, left.Rescue.Warnings = true, []string{"what the agent has written to the volume is not taken back: the helper is lost"}
	unproven := sampleOutcome()
	unproven.State, unproven.Error = controller.StateUnproven, "the key is in, but no login has proven it: no route to host"
	unproven.Rescue.Verified = controller.Verification{State: controller.NoPath, Detail: "no route to host"}
	for name, got := range map[string]string{
		"unproven":     outcomePage(given{}, unproven),
		"armed-script": outcomePage(given{}, scripted), "gone": outcomePage(given{}, gone), "left": outcomePage(given{}, left),
		"armed-stopped": outcomePage(given{}, toStart), "not-armed": outcomePage(given{}, unarmed),
		"armed": outcomePage(given{}, armed), "plan": planPage(samplePlan(), true), "about": planPage(accepted, false), "rescued": outcomePage(given{}, sampleOutcome()), "not-home": outcomePage(given{}, notHome),
		"taken-back": outcomePage(given{}, refused), "status": statusPage(given{}, status), "list": listPage(given{}, []controller.Status{status, home}),
		"nothing": listPage(given{}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "pages", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
