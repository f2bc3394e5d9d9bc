// Makes the calls of .NET that the start-up script makes, with the key as it stands in the script:
//
//	seal.exe SCRIPT USER
//
// prints the password and then a block.
using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

class Seal {
    static string Between(string text, string pattern) {
        return Regex.Match(text, pattern).Groups[1].Value;
    }

    static void Main(string[] args) {
        string script = File.ReadAllText(args[0]);
        string run = Between(script, @"\$run = '([^']*)'");
        string key = Between(script, @"\$key = '([^']*)'");
        var random = new RNGCryptoServiceProvider();

        byte[] bytes = new byte[16];
        random.GetBytes(bytes);
        string password = BitConverter.ToString(bytes);
        Console.WriteLine(password);

        var rsa = new RSACryptoServiceProvider();
        rsa.FromXmlString(key);
        byte[] plain = Encoding.UTF8.GetBytes(run + '\0' + args[1] + '\0' + password);
        string data = Convert.ToBase64String(rsa.Encrypt(plain, true));

        byte[] id = new byte[4];
        random.GetBytes(id);
        string attempt = BitConverter.ToString(id).Replace("-", "").ToLowerInvariant();
        int size = 48, count = 1;
        while (count * size < data.Length) count++;
        var sha1 = new SHA1CryptoServiceProvider();
        for (int n = 1; n <= count; n++) {
            int from = (n - 1) * size;
            string part = data.Substring(from, Math.Min(size, data.Length - from));
            string head = "regain1:" + run + ":" + attempt + ":sealed:" + n + ":" + count + ":" + part + ":";
            byte[] hash = sha1.ComputeHash(Encoding.ASCII.GetBytes(head));
            string check = BitConverter.ToString(hash, 0, 4).Replace("-", "").ToLowerInvariant();
            Console.Write("<" + head + check + ">\r\n");
        }
    }
}
