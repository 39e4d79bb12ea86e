export const onboarding = () => ({ element: document.createElement('div') });
