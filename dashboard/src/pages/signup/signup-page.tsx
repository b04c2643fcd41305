import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { useSignUp } from "../../api/queries";
import { Button } from "../../components/button";
import { FormError, TextField } from "../../components/field";
import { PageHeader } from "../../components/page-header";
import { Entrance, entranceFoot, entranceForm } from "../../layout/entrance";
import { PASSWORD_RULE, signUpProblems, type SignUpProblems } from "./rules";

export function SignUpPage() {
  const [values, setValues] = useState({ name: "", email: "", password: "" });
  const [problems, setProblems] = useState<SignUpProblems>({});
  const signUp = useSignUp();
  const client = useQueryClient();
  const navigate = useNavigate();

  const change = (name: keyof typeof values, value: string): void => {
    setValues({ ...values, [name]: value });
    setProblems({ ...problems, [name]: undefined });
  };
  return (
    <Entrance>
      <PageHeader title="Create an account" lead="You get your API keys at once." />
      <form
        className={entranceForm}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const found = signUpProblems(values);
          setProblems(found);
          const first = Object.keys(found)[0];
          if (first !== undefined) {
            event.currentTarget.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
            return;
          }
          signUp.mutate(
            { name: values.name.trim(), email: values.email.trim(), password: values.password },
            {
              onSuccess: (merchant) => {
                client.clear();
                client.setQueryData(["merchant"], merchant);
                void navigate("/dashboard", { replace: true });
              },
            },
          );
        }}
      >
        {signUp.error !== null && <FormError>{signUp.error.message}</FormError>}
        <TextField
          label="Business name"
          name="name"
          autoComplete="organization"
          required
          maxLength={255}
          value={values.name}
          error={problems.name}
          onChange={(event) => change("name", event.currentTarget.value)}
        />
        <TextField
          label="Email"
          type="email"
          name="email"
          autoComplete="username"
          required
          maxLength={255}
          value={values.email}
          error={problems.email}
          onChange={(event) => change("email", event.currentTarget.value)}
        />
        <TextField
          label="Password"
          type="password"
          name="password"
          autoComplete="new-password"
          required
          value={values.password}
          hint={PASSWORD_RULE}
          error={problems.password}
          onChange={(event) => change("password", event.currentTarget.value)}
        />
        <Button type="submit" look="primary" busy={signUp.isPending}>
          Create account
        </Button>
      </form>
      <p className={entranceFoot}>
        Already with us? <Link to="/login">Sign in</Link>
      </p>
    </Entrance>
  );
}
