const VPA = /^[a-zA-Z0-9._-]+@[a-zA-Z0-9]+$/;
const VPA_LENGTH_MAX = 255;

/** What is wrong with a UPI ID, in a sentence for the customer, or null. */
export function vpaProblem(vpa: string): string | null {
  if (vpa === "") return "Enter your UPI ID.";
  if (vpa.length > VPA_LENGTH_MAX || !VPA.test(vpa)) return "Enter a UPI ID such as name@bank.";
  return null;
}
