package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/policy"
	"github.com/seed-77750964/regain/internal/cloudtest"
	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
	"github.com/seed-77750964/regain/lab/machine"
)

func TestMain(m *testing.M) {
	if code, mine := machine.Main(); mine {
		os.Exit(code) // the lab starts its machines from this program
	}
	os.Exit(m.Run())
}

// speed is how much faster than a real account the lab is.
const speed = 200

// TestCloudOverTheWire holds the adapters to the rules, against a lab whose
// makers have not seen them.
func TestCloudOverTheWire(t *testing.T) {
	testdisk.Need(t, "losetup")
	cloudtest.Run(t, func(t *testing.T) cloudtest.World {
		l, cfg := openLab(t, false)
		return world(t, newCloud(cfg), patient(t, l))
	})
}

// TestPolicySuffices does the same under the policy that regain prints, on a lab
// that enforces it. Two rules ask for what the policy rightly denies.
func TestPolicySuffices(t *testing.T) {
	testdisk.Need(t, "losetup")
	called := map[string]int{}
	cloudtest.Run(t, func(t *testing.T) cloudtest.World {
		l, cfg := openLab(t, true)
		cloud := newCloud(inRole(t, l, cfg))
		t.Cleanup(func() { maps.Copy(called, cloud.Counts()) })
		return world(t, cloud, patient(t, l))
	}, "what is not there", "commands that are not")
	for action := range called {
		if !slices.Contains(policy.Actions(), action) {
			t.Errorf("%s is called, and not in the catalogue", action)
		}
	}
	if len(called) < 40 {
		t.Errorf("only %d actions were called", len(called))
	}
}

// TestSimulationOfThePolicy has the lab's IAM decide what preflight asks: all of
// it is granted, and what the policy lacks is found.
func TestSimulationOfThePolicy(t *testing.T) {
	l, cfg := openLab(t, true)
	cloud := newCloud(inRole(t, l, cfg))
	who, err := cloud.Caller(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	profile, err := cloud.Profile(t.Context(), policy.DefaultRole)
	if err != nil {
		t.Fatal(err)
	}
	asked := policy.Needed(policy.Target{
		Partition: who.Partition, Region: who.Region, Account: who.Account, Instance: "i-0a", Volume: "vol-0a", Subnet: "subnet-0a", Image: "ami-0a",
		RoleARN: profile.Role, Profile: profile.Name, Bucket: policy.DefaultBucket(who.Account, who.Region), Parameter: "/ec2rl/openssh/i-0a/key",
		Group: "web", KMSKeys: []string{"arn:aws:kms:" + who.Region + ":" + who.Account + ":key/k"}, Features: policy.All(),
	})
	lacking, err := cloud.Simulate(t.Context(), who, asked)
	if err != nil || len(lacking) > 0 {
		t.Errorf("lacking %+v, %v", lacking, err)
	}
	more := controller.Permission{Action: "iam:CreateRole", Resource: "arn:aws:iam::" + who.Account + ":role/x"}
	lacking, err = cloud.Simulate(t.Context(), who, append(asked, more))
	if err != nil || len(lacking) != 1 || lacking[0].Action != more.Action {
		t.Errorf("lacking %+v, %v", lacking, err)
	}
	t.Logf("%d permissions in %d calls", len(asked), cloud.Counts()["iam:SimulatePrincipalPolicy"])
}

// patient makes an instance with a small empty disk.
func patient(t *testing.T, l *lab.Lab) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk.raw")
	if err := errors.Join(os.WriteFile(disk, nil, 0o600), os.Truncate(disk, 16<<20)); err != nil {
		t.Fatal(err)
	}
	made, err := l.CreateInstance(t.Context(), ec2.Spec{Image: disk, Tags: map[string]string{"Name": "patient"}})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// inRole makes the controller's role with the policies that regain prints, and
// assumes it.
func inRole(t *testing.T, l *lab.Lab, cfg sdk.Config) sdk.Config {
	t.Helper()
	const name = "regain-controller"
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + lab.Account + `:user/operator"},"Action":"sts:AssumeRole"}]}`
	documents := policy.Controller(policy.Scope{Partition: "aws", Account: lab.Account, Features: policy.All()})
	for i, d := range documents {
		text, err := json.Marshal(d)
		if err == nil && i == 0 {
			_, err = l.CreateRole(t.Context(), lab.NewRole{Name: name, Trust: []byte(trust), Policy: text})
		} else if err == nil {
			_, err = l.PutPolicy(t.Context(), lab.NewPolicy{Kind: "role", Principal: name, Name: fmt.Sprintf("%s-%d", name, i+1), Policy: text})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg.Credentials = sdk.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), "arn:aws:iam::"+lab.Account+":role/"+name))
	return cfg
}

// world is the lab's account as a rescue would use it.
func world(t *testing.T, cloud *Cloud, patient string) cloudtest.World {
	t.Helper()
	w := cloudtest.World{Cloud: cloud, Patient: patient, Type: "t3.small", Profile: policy.DefaultRole, Pass: func(d time.Duration) {
		timer := time.NewTimer(d / speed)
		defer timer.Stop()
		<-timer.C
	}}
	var err error
	if w.Image, err = cloud.Public(t.Context(), "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"); err != nil {
		t.Fatal(err)
	}
	who, err := cloud.Caller(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Bucket = policy.DefaultBucket(who.Account, who.Region)
	for range 600 {
		found, err := cloud.Instances(t.Context(), patient)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 && found[0].State == controller.Running {
			w.Subnet = found[0].Subnet
			return w
		}
		w.Pass(time.Second)
	}
	t.Fatal("the patient does not run")
	return w
}

// openLab serves an account of its own until the test ends.
func openLab(t *testing.T, enforce bool) (*lab.Lab, sdk.Config) {
	t.Helper()
	state := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rack := machine.Open(machine.Options{Hide: []string{state}})
	l, err := lab.Open(t.Context(), lab.Config{State: state, Listen: listener.Addr().String(), Speed: speed, Boot: "none", Host: rack, EnforceIAM: enforce})
	if err != nil {
		t.Fatal(errors.Join(err, listener.Close()))
	}
	server := &http.Server{Handler: l.Handler(), ReadHeaderTimeout: time.Minute}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		closing, done := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer done()
		err := server.Close()
		cancel()
		for range 2 {
			if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
				err = errors.Join(err, e)
			}
		}
		if err := errors.Join(err, l.Close(closing), rack.Close(closing)); err != nil {
			t.Errorf("the lab does not close: %v", err)
		}
	})
	keys, err := lab.ReadCredentials(state)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + listener.Addr().String()
	return l, sdk.Config{Region: keys.Region, BaseEndpoint: &endpoint, HTTPClient: &http.Client{},
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: keys.AccessKey, SecretAccessKey: keys.Secret}, nil
		})}
}
