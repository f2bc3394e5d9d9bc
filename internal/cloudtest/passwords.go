package cloudtest

import "github.com/seed-77750964/regain/controller"

// passwords: an instance that has told none, and was given nothing to run, is no
// failure, and neither is an empty console; a key pair that is not there is one.
func passwords(b *bed) {
	data, err := b.Cloud.PasswordData(b.Context(), b.Patient)
	if err != nil || len(data.Cipher) > 0 {
		b.Errorf("a password of %d bytes, %v", len(data.Cipher), err)
	}
	if text, err := b.Cloud.UserData(b.Context(), b.Patient); err != nil || len(text) > 0 {
		b.Errorf("user data of %d bytes, %v", len(text), err)
	}
	if _, err := b.Cloud.Console(b.Context(), b.Patient); err != nil {
		b.Errorf("the console: %v", err)
	}
	_, err = b.Cloud.KeyPair(b.Context(), "nobody's")
	b.refused(err, controller.NotFound)
	managed, err := b.Cloud.Managed(b.Context(), b.Patient)
	if err != nil || len(managed) > 0 {
		b.Errorf("Systems Manager knows %+v, %v", managed, err)
	}
}
