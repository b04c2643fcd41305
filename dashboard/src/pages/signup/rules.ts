const MIN_PASSWORD_LENGTH = 8;

export const PASSWORD_RULE = `At least ${MIN_PASSWORD_LENGTH} characters. A few unrelated words make a good one.`;

export type SignUpProblems = Partial<Record<"name" | "email" | "password", string | undefined>>;

/** What can be said before asking the server, which has the last word. */
export function signUpProblems(values: { name: string; email: string; password: string }): SignUpProblems {
  const problems: SignUpProblems = {};
  if (values.name.trim() === "") problems.name = "Enter the name of your business.";
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(values.email.trim())) problems.email = "Enter an email address, like name@example.com.";
  if (values.password.length < MIN_PASSWORD_LENGTH) {
    problems.password = `The password needs at least ${MIN_PASSWORD_LENGTH} characters.`;
  }
  return problems;
}
