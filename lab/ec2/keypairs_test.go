package ec2

import (
	"crypto/rsa"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/internal/testdisk"
)

const rsaLine = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDF4sVJ"

// newPublic has ssh-keygen make a pair, and returns the public half.
func newPublic(t *testing.T, args ...string) string {
	t.Helper()
	testdisk.Need(t, "ssh-keygen")
	path := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", append([]string{"-q", "-N", "", "-C", "me", "-f", path}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(line))
}

func material(text string) string {
	return "PublicKeyMaterial=" + base64.StdEncoding.EncodeToString([]byte(text))
}

// TestCreateKeyPair: the private half is answered once, and is the public half's.
func TestCreateKeyPair(t *testing.T) {
	for kind, want := range map[string]string{"": "rsa", "rsa": "rsa", "ed25519": "ed25519"} {
		t.Run(want+" as "+kind, func(t *testing.T) {
			b := newBench(t)
			params := []string{"KeyName=k", "TagSpecification.1.ResourceType=key-pair", "TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1"}
			if kind != "" {
				params = append(params, "KeyType="+kind)
			}
			made := b.do("CreateKeyPair", params...)
			key, err := ssh.ParseRawPrivateKey([]byte(made.at("keyMaterial")))
			if err != nil {
				t.Fatal(err)
			}
			if own, ok := key.(*rsa.PrivateKey); ok != (want == "rsa") || ok && own.N.BitLen() != 2048 {
				t.Errorf("the key is a %T", key)
			}
			signer, err := ssh.NewSignerFromKey(key)
			if err != nil {
				t.Fatal(err)
			}
			b.pass(10 * time.Second)
			shown := b.do("DescribeKeyPairs", "KeyName.1=k", "IncludePublicKey=true")
			b.want("public", shown.at("keySet/item/publicKey"), authorized(signer.PublicKey()))
			b.want("type", shown.at("keySet/item/keyType"), want)
			b.want("tag", shown.at("keySet/item/tagSet/item/value"), "r1")
			b.want("fingerprint", shown.at("keySet/item/keyFingerprint"), made.at("keyFingerprint"))
			b.want("public unasked", b.do("DescribeKeyPairs").at("keySet/item/publicKey"), "")
		})
	}
}

// TestFingerprints compares with openssl, as EC2's guide has it done.
func TestFingerprints(t *testing.T) {
	testdisk.Need(t, "openssl", "ssh-keygen", "sh")
	b := newBench(t)
	shell := func(input, script string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		text := strings.TrimSpace(string(out))
		return text[strings.LastIndexAny(text, " =")+1:]
	}
	made := b.do("CreateKeyPair", "KeyName=made")
	b.want("created", made.at("keyFingerprint"), shell(made.at("keyMaterial"), "openssl pkcs8 -in /dev/stdin -inform PEM -outform DER -topk8 -nocrypt | openssl sha1 -c"))
	line := newPublic(t, "-t", "rsa", "-b", "2048")
	got := b.do("ImportKeyPair", "KeyName=imported", material(line)).at("keyFingerprint")
	b.want("imported", got, shell(line, "cat > $TMPDIR/k.pub; ssh-keygen -e -m PKCS8 -f $TMPDIR/k.pub | openssl pkey -pubin -outform DER | openssl md5 -c; rm $TMPDIR/k.pub"))
}

func TestImportKeyPair(t *testing.T) {
	b := newBench(t)
	line := newPublic(t, "-t", "rsa", "-b", "2048")
	id := b.do("ImportKeyPair", "KeyName=k", material(line)).at("keyPairId")
	b.pass(10 * time.Second)
	b.want("kept", b.do("DescribeKeyPairs", "KeyPairId.1="+id, "IncludePublicKey=true").at("keySet/item/publicKey"), strings.TrimSuffix(line, " me"))
	b.fails("InvalidKeyPair.Duplicate", "ImportKeyPair", "KeyName=k", material(line))
	b.fails("InvalidKeyPair.Duplicate", "CreateKeyPair", "KeyName=k")
	for name, text := range map[string]string{
		"nonsense": "nonsense", "cut short": rsaLine, "ECDSA": newPublic(t, "-t", "ecdsa"), "3072 bits": newPublic(t, "-t", "rsa", "-b", "3072"),
	} {
		t.Run(name, func(t *testing.T) { b.fails("InvalidKey.Format", "ImportKeyPair", "KeyName=other", material(text)) })
	}
	b.fails("InvalidKey.Format", "ImportKeyPair", "KeyName=other", "PublicKeyMaterial=!")
	b.fails("InvalidParameterValue", "ImportKeyPair", "KeyName="+strings.Repeat("k", 256), material(line))
	b.fails("InvalidParameterValue", "CreateKeyPair", "KeyName=other", "KeyType=dsa")
	b.fails("InvalidKeyPair.NotFound", "DescribeKeyPairs", "KeyName.1=other")
	b.fails("InvalidKeyPair.NotFound", "DescribeKeyPairs", "KeyPairId.1=key-00000000000000000")
	b.do("DeleteKeyPair", "KeyName=k")
	b.fails("InvalidKeyPair.NotFound", "DescribeKeyPairs", "KeyPairId.1="+id)
	b.do("DeleteKeyPair", "KeyName=k")
	b.fails("MissingParameter", "DeleteKeyPair")
}

// TestLaunchWithKeyPair: the instance is told the public half by its metadata service,
// as it was when it was launched.
func TestLaunchWithKeyPair(t *testing.T) {
	b := newBench(t)
	line := newPublic(t, "-t", "rsa", "-b", "2048")
	b.do("ImportKeyPair", "KeyName=k", material(line))
	b.do("ImportKeyPair", "KeyName=short", material(newPublic(t, "-t", "ed25519")))
	id := b.helper("KeyName=k", "MetadataOptions.HttpTokens=optional")
	b.do("DeleteKeyPair", "KeyName=k")
	b.kill()
	for path, want := range map[string]string{
		"public-keys": "0=k", "public-keys/0": "openssh-key", "public-keys/0/openssh-key": strings.TrimSuffix(line, "me") + "k",
	} {
		w := httptest.NewRecorder()
		b.metadata(id).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/latest/meta-data/"+path, nil))
		b.want(path, w.Body.String(), want)
	}
	guest := b.guest(Spec{Platform: "windows", Stopped: true})
	image := b.do("CreateImage", "InstanceId="+guest, "Name=windows").at("imageId")
	b.pass(200 * time.Second)
	with := []string{"ImageId=" + image, "InstanceType=t3.micro", "MinCount=1", "MaxCount=1"}
	b.fails("InvalidKeyPair.NotFound", "RunInstances", append(with, "KeyName=k")...)
	b.fails("InvalidParameterCombination", "RunInstances", append(with, "KeyName=short")...)
	b.do("RunInstances", with...)
	b.want("image", b.do("DescribeImages", "Filter.1.Name=platform", "Filter.1.Value.1=windows").at("imagesSet/item/imageId"), image)
}

func TestNeedsOfKeyPairs(t *testing.T) {
	b := newBench(t)
	const pair = "123456789012:key-pair/k"
	tag := []string{"KeyName=k", "TagSpecification.1.ResourceType=key-pair", "TagSpecification.1.Tag.1.Key=run", "TagSpecification.1.Tag.1.Value=r1"}
	b.wantChecks(b.checks("CreateKeyPair", tag...), "ec2:CreateKeyPair "+pair+" aws:RequestTag/run=r1 aws:TagKeys=run ec2:KeyPairName=k ec2:KeyPairType=rsa",
		"ec2:CreateTags "+pair+" aws:RequestTag/run=r1 aws:TagKeys=run ec2:CreateAction=CreateKeyPair")
	b.wantChecks(b.checks("ImportKeyPair", "KeyName=k"), "ec2:ImportKeyPair "+pair+" ec2:KeyPairName=k")
	b.wantChecks(b.checks("DescribeKeyPairs", "KeyName.1=k"), "ec2:DescribeKeyPairs *")
	b.wantChecks(b.checks("DeleteKeyPair", "KeyName=k"), "ec2:DeleteKeyPair *")
	id := b.do("CreateKeyPair", tag...).at("keyPairId")
	const made = pair + " aws:ResourceTag/run=r1 ec2:KeyPairName=k ec2:KeyPairType=rsa ec2:ResourceTag/run=r1"
	b.wantChecks(b.checks("DeleteKeyPair", "KeyName=k"), "ec2:DeleteKeyPair "+made)
	b.wantChecks(b.checks("DeleteKeyPair", "KeyPairId="+id), "ec2:DeleteKeyPair "+made)
	if got := b.checks("RunInstances", append([]string{"KeyName=k"}, run...)...); !strings.Contains(strings.Join(got, "\n"), "ec2:RunInstances "+made) {
		t.Errorf("a launch asks %q", got)
	}
}
