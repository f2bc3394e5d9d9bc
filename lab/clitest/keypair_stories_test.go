package clitest

import "encoding/base64"

// publicKey is one that nobody has the private half of.
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f nobody"

// keyPairStory makes, takes in, shows and deletes key pairs.
var keyPairStory = []step{
	{
		call: "ec2 CreateKeyPair", params: object{"KeyName": "made", "KeyType": "rsa", "TagSpecifications": tagged("key-pair")},
		keep: map[string]string{"made": "KeyPairId"},
		want: map[string]any{"KeyMaterial": "~^-----BEGIN RSA PRIVATE KEY-----\n", "KeyFingerprint": "~^([0-9a-f]{2}:){19}[0-9a-f]{2}$", "Tags.0.Key": "run"},
	},
	{call: "ec2 CreateKeyPair", params: object{"KeyName": "made"}, fault: "InvalidKeyPair.Duplicate"},
	{
		call: "ec2 ImportKeyPair", params: object{"KeyName": "taken", "PublicKeyMaterial": inBytes(publicKey)},
		want: map[string]any{"KeyName": "taken", "KeyFingerprint": "~^[A-Za-z0-9+/]{43}=$"},
	},
	{
		call: "ec2 DescribeKeyPairs", params: object{"KeyNames": []string{"made"}}, until: true,
		want: map[string]any{"KeyPairs.#": 1, "KeyPairs.0.KeyType": "rsa", "KeyPairs.0.PublicKey": nil, "KeyPairs.0.KeyPairId": "{made}"},
	},
	{
		call: "ec2 DescribeKeyPairs", params: object{"KeyNames": []string{"taken"}, "IncludePublicKey": true}, until: true,
		want: map[string]any{"KeyPairs.0.KeyType": "ed25519", "KeyPairs.0.PublicKey": "~^ssh-ed25519 AAAA"},
	},
	{call: "ec2 DeleteKeyPair", params: object{"KeyName": "taken"}},
	{call: "ec2 DeleteKeyPair", params: object{"KeyPairId": "{made}"}},
	{call: "ec2 DescribeKeyPairs", params: object{"KeyNames": []string{"taken"}}, fault: "InvalidKeyPair.NotFound"},
}

// passwordStory asks an instance that has written none for its password, and changes
// what its launch agent meets.
var passwordStory = []step{
	{call: "ec2 GetPasswordData", params: object{"InstanceId": "{instance}"}, want: map[string]any{"PasswordData": "", "InstanceId": "{instance}", "Timestamp": "~^20"}},
	{call: "ec2 GetPasswordData", params: object{"InstanceId": "i-0123456789abcdef0"}, fault: "InvalidInstanceID.NotFound"},
	{call: "ec2 ModifyInstanceAttribute", params: object{"InstanceId": "{instance}", "UserData": object{"Value": inBytes("<powershell>hello</powershell>")}}},
	{
		call: "ec2 DescribeInstanceAttribute", params: object{"InstanceId": "{instance}", "Attribute": "userData"},
		want: map[string]any{"UserData.Value": "PHBvd2Vyc2hlbGw+aGVsbG88L3Bvd2Vyc2hlbGw+"},
	},
	{
		call: "ec2 ModifyInstanceMetadataOptions", params: object{"InstanceId": "{instance}", "HttpTokens": "optional", "HttpEndpoint": "disabled"},
		want: map[string]any{"InstanceMetadataOptions.State": "pending", "InstanceMetadataOptions.HttpTokens": "optional"},
	},
	{
		call: "ec2 DescribeInstances", params: instances(nil), until: true,
		want: map[string]any{
			"Reservations.0.Instances.0.MetadataOptions.HttpEndpoint": "disabled", "Reservations.0.Instances.0.MetadataOptions.State": "applied",
			"Reservations.0.Instances.0.Platform": "windows", "Reservations.0.Instances.0.PlatformDetails": "Windows",
		},
	},
}

// inBytes is a parameter of bytes, as driver.py reads it.
func inBytes(text string) object {
	return object{"$bytes": base64.StdEncoding.EncodeToString([]byte(text))}
}
