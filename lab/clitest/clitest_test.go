package clitest

import (
	"testing"

	"github.com/seed-77750964/regain/lab"
)

func TestSmall(t *testing.T) {
	a := open(t)
	_, err := a.lab.CreateRole(t.Context(), lab.NewRole{
		Name: "cli-test", Trust: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`),
		Policy: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, steps := range map[string][]step{"kms": kmsStory, "s3": s3Story, "identity": identityStory, "parameters": parameterStory} {
		t.Run(name, func(t *testing.T) {
			(&story{client: a.client(t), kept: map[string]string{}, t: t}).tell(steps)
		})
	}
}
