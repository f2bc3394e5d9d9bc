package agentconf

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for name, tt := range map[string]struct {
		agent    Agent
		in, want string
	}{
		"LaunchConfig": {
			EC2LaunchV1, "{\r\n  \"adminPasswordType\":  \"Specify\",\r\n  \"ADMINPASSWORD\":  \"hun\\\"ter2\"\r\n}\r\n",
			"{\r\n  \"adminPasswordType\":  \"Specify\",\r\n  \"ADMINPASSWORD\":  [masked]\r\n}\r\n",
		},
		"LaunchConfig, odd values": {
			EC2LaunchV1, `{"adminPassword": ["hunter2", {"x": 2}], "z": "hunted\/\ud83d\ude00"}`,
			`{"adminPassword": [[masked], {"x": [masked]}], "z": "hunted\/\ud83d\ude00"}`,
		},
		"LaunchConfig, empty password": {EC2LaunchV1, `{"adminPassword": ""}`, `{"adminPassword": ""}`},
		"agent-config": {
			EC2LaunchV2, "tasks:\n- task: setAdminAccount # password hunter2\n  inputs:\n    password:\n      type: static # data: hunter2\n      data: hunter2\n        and more\n\n      # data: hunter2\n      other: hunter2 # x\n    name: x\n",
			"tasks:\n- task: setAdminAccount #[masked]\n  inputs:\n    password:\n      type: static #[masked]\n      data: [masked]\n\n      #[masked]\n      other: [masked]\n    name: x\n",
		},
		"tabs": {
			EC2LaunchV2, "config:\n- stage: preReady\n\ttasks: # hunter2\n  - task: x\r\n\t  inputs:\n\t\t\tdata: hunter2\r\n",
			"config:\n- stage: preReady\n\ttasks: #[masked]\n  - task: x\r\n\t  inputs:\n\t\t\tdata: [masked]\r\n",
		},
		"tabs, a value of its own line": {EC2LaunchV2, "x:\n\tdata:\n\t -hunter2\n", "x:\n\tdata:\n   [masked]\n"},
		"tabs, a script":                {EC2LaunchV2, "x:\n\tcontent: |\n\t  hunter2\n", unshown},
		"commented out": {
			EC2LaunchV2, "# net user a hunter2\nx: a#b #hunter2\n#- content: hunter2\ny: '1' # 2\n",
			"#[masked]\nx: a#b #[masked]\n#[masked]\ny: '1' #[masked]\n",
		},
		"JSON has no comments": {EC2LaunchV2, `{"x": "a #b", "data": "hunter2", "type": "static"}`, `{"x": "a #b", "data": [masked], "type": "static"}`},
		"scripts": {
			EC2LaunchV2, "- content: |-\n    hunter2\n\n    hunter2\n  type: batch\n- arguments: [\"hunter2\", 'it''s', plain one]\n  path: x\n- content: >\n   hunter2\n   \n",
			"- content: [masked]\n  type: batch\n- arguments: [[masked], [masked], [masked]]\n  path: x\n- content: [masked]\n   \n",
		},
		"tags and lists": {
			EC2LaunchV2, "password:\n  data: !!str \"hunter2, hunter2\"\n  list:\n  - hunter2\n  - - 'hunter2\n      hunter2'\nx: {data: !x hunter2, y: 1, pwd: !x \"hunter2, hunter2\"}\n",
			"password:\n  data: [masked]\n  list:\n  - [masked]\n  - - [masked]\nx: {data: [masked], y: 1, pwd: [masked]}\n",
		},
		"Config.xml": {
			EC2Config, "<Ec2ConfigurationSettings><!-- Password: hunter2 --><!-- x --><State>Enabled</State><AdminPassword a='hunter2'>hunter2<b/></AdminPassword><Name>Ec2SetPassword</Name><Secret><![CDATA[<hunter2>]]>hunter2<a><!-- hunter2 -->hunter2</a></Secret>x</Ec2ConfigurationSettings>",
			"<Ec2ConfigurationSettings><!--[masked]--><!--[masked]--><State>Enabled</State><AdminPassword [masked]>[masked]<b/></AdminPassword><Name>Ec2SetPassword</Name><Secret>[masked][masked]<a><!--[masked]-->[masked]</a></Secret>x</Ec2ConfigurationSettings>",
		},
		"broken XML":   {EC2Config, "<a><AdminPassword>hunter2", unshown},
		"broken JSON":  {EC2LaunchV1, `{"adminPassword": "hunter2"`, unshown},
		"aliased YAML": {EC2LaunchV2, "x: &a hunter2\ndata: *a\n", unshown},
		"odd keys":     {EC2LaunchV2, "x:\n  ? data\n  : hunter2\n   hunter2\n", unshown},
		"not a text":   {EC2LaunchV2, "\x00", unshown},
		"odd XML":      {EC2Config, "\xff\xfe\x00", unshown},
	} {
		t.Run(name, func(t *testing.T) {
			for encoding, encode := range encodings {
				if name == "not a text" || name == "odd XML" {
					encode = encodings["utf-8"]
				}
				if got := Mask(tt.agent, encode(tt.in)); got != tt.want {
					t.Errorf("%s: got\n%q\nwant\n%q", encoding, got, tt.want)
				}
			}
		})
	}
}

// TestMaskHidesEveryStyle writes a secret in each way that YAML knows, at any place
// of a settings file.
func TestMaskHidesEveryStyle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		indent := strings.Repeat(" ", rapid.IntRange(1, 6).Draw(t, "indent"))
		secret := rapid.SampledFrom([]string{
			"hunter2", `"hunter2"`, `'hunter2 ''hunter2'''`, "hunter2 hunter2", "\"hunter2\n" + indent + "  hunter2\"",
			"hunter2\n" + indent + indent + " hunter2", "|\n" + indent + indent + "hunter2\n\n" + indent + indent + "hunter2",
			">-\n" + indent + indent + "# hunter2\n" + indent + indent + indent + "hunter2", "|2-\n" + indent + "  hunter2",
			"!!str hunter2", "!x # x\n" + indent + " \"hunter2, hunter2\"", "[!x\n" + indent + " 'hunter2, hunter2', hunter2 # data, hunter2\n" + indent + " ]", "! 'hunter2'", `"a\\\"hunter2, ] } # hunter2"`, "{a: hunter2, b: ['hunter2', \"hunter2\"]}", "[hunter2 # hunter2 data\n" + indent + "  , hunter2]",
			"\n" + indent + indent + "- hunter2\n" + indent + indent + "- |\n" + indent + indent + indent + "hunter2",
			"\n" + indent + "- hunter2", "\n" + indent + indent + "a: hunter2\n" + indent + indent + "b:\n" + indent + indent + indent + "hunter2",
			"|\u2028" + indent + indent + "hunter2\u0085\u2029" + indent + indent + "hunter2",
		}).Draw(t, "secret")
		key := rapid.SampledFrom([]string{"data", "adminPassword", "content", `"arguments"`, "'PASSWORD'"}).Draw(t, "key")
		after := rapid.SampledFrom([]string{"", "\n", " # data hunter2\n", "\n\n", "\n" + indent + "kept: kept\n", "\nkept: kept"}).Draw(t, "after")
		file := "x:\n" + indent + key + ": " + secret + after
		if rapid.Bool().Draw(t, "CRLF") {
			file = strings.ReplaceAll(file, "\n", "\r\n")
		}
		got := Mask(EC2LaunchV2, []byte(file))
		if strings.Contains(got, "hunter") || strings.Contains(got, "2") && got != unshown {
			t.Fatalf("%q shows %q", file, got)
		}
		if strings.Contains(after, "kept") && got != unshown && !strings.Contains(got, "kept: kept") {
			t.Fatalf("%q hides what is no secret: %q", file, got)
		}
		if !strings.HasPrefix(secret, "|2") && !strings.Contains(secret, "\u2028") && !strings.Contains(after, "#") && got == unshown {
			t.Fatalf("%q is not shown", file)
		}
	})
}
